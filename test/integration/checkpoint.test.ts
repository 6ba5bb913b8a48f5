/** `checkpoint`: what becomes of the container, as the kernel sees it. */

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { noContainers } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { counting, countOf, noCriu, noMemoryTracking, provideCriu } from './criu.ts';
import { childrenOf } from './foreground.ts';
import { type Life, lives, until } from './lives.ts';

const skip = noContainers || noCriu();

describe('checkpoint', { skip }, () => {
  const host = lives('checkpoint');
  const { runchart } = host;
  const bin = provideCriu(host.path);
  after(() => host.close());

  const statusOf = (id: string): string | undefined => {
    const { status, stdout } = runchart('state', id);
    return status === 0 ? JSON.parse(stdout).status : undefined;
  };
  const images = (id: string): string => join(host.path, `${id}.images`);
  const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });

  async function counter(): Promise<Life> {
    const life = host.start(counting());
    await until('it counts', () => countOf(life.bundle) > 2);
    return life;
  }

  async function goesOn({ id, bundle }: Life): Promise<void> {
    assert.equal(statusOf(id), 'running');
    const count = countOf(bundle);
    await until('it goes on counting', () => countOf(bundle) > count);
  }

  it('ends the container, which goes on from there when it is restored', async () => {
    const { id, bundle, pid } = await counter();
    well('checkpoint', '--image-path', images(id), id);
    assert.equal(statusOf(id), undefined);
    await until('its process is gone', () => !existsSync(`/proc/${pid}`));
    assert.equal(statSync(images(id)).mode & 0o7777, 0o700);
    const count = countOf(bundle);
    await setTimeout(200);
    assert.equal(countOf(bundle), count);
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await until('it counts again', () => countOf(bundle) > count);
    // The container did not begin anew.
    assert.ok(countOf(bundle) < count + 1000);
    await goesOn({ id, bundle, pid });
    process.kill(JSON.parse(runchart('state', id).stdout).pid, 'SIGTERM');
    await until('it has ended', () => statusOf(id) === 'stopped');
  });

  it('leaves the container running with --leave-running, and writes its log to --work-path', async () => {
    const life = await counter();
    const work = join(host.path, `${life.id}.work`);
    well('checkpoint', '--leave-running', '--image-path', images(life.id), '--work-path', work, life.id);
    await goesOn(life);
    assert.ok(existsSync(`/proc/${life.pid}`));
    assert.ok(existsSync(join(work, 'dump.log')));
    assert.ok(!existsSync(join(images(life.id), 'dump.log')));
  });

  it('takes ./checkpoint for the images where none is named', async () => {
    const { id } = await counter();
    const done = runchart.with({ cwd: host.path }, 'checkpoint', id);
    assert.equal(done.status, 0, done.stderr);
    assert.ok(existsSync(join(host.path, 'checkpoint/inventory.img')));
  });

  it('leaves a paused container paused, and can end one too', async () => {
    const { id, bundle, pid } = await counter();
    well('pause', id);
    const count = countOf(bundle);
    well('checkpoint', '--leave-running', '--image-path', images(id), id);
    assert.equal(statusOf(id), 'paused');
    await setTimeout(150);
    assert.equal(countOf(bundle), count);
    well('checkpoint', '--image-path', images(id), id);
    assert.equal(statusOf(id), undefined);
    await until('its process is gone', () => !existsSync(`/proc/${pid}`));
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    assert.equal(statusOf(id), 'running');
    await until('it counts again', () => countOf(bundle) > count);
  });

  it('writes memory beforehand with --pre-dump', { skip: !skip && noMemoryTracking() }, async () => {
    const life = await counter();
    const { id, bundle } = life;
    const first = join(host.path, `${id}.first`);
    well('checkpoint', '--pre-dump', '--image-path', first, id);
    await goesOn(life);
    const parent = `../${id}.first`;
    well('checkpoint', '--parent-path', parent, '--image-path', images(id), id);
    assert.ok(existsSync(join(images(id), 'parent')));
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await goesOn(life);
  });

  it('gives a new name to an open file that has lost its own, with --link-remap', async () => {
    const life = host.start(counting('exec 8>>/first; ln /first /second; rm /first'));
    const { id, bundle } = life;
    await until('it counts', () => countOf(bundle) > 2);
    const rootfs = join(bundle, 'rootfs');
    const links = () => readdirSync(rootfs).filter((name) => name.startsWith('link_remap.'));
    const { ino } = statSync(join(rootfs, 'second'));
    assert.match(messageOf(runchart('checkpoint', '--image-path', images(id), id)), /Can't create link remap/);
    await goesOn(life);
    well('checkpoint', '--link-remap', '--image-path', images(id), id);
    assert.deepEqual(
      links().map((name) => statSync(join(rootfs, name)).ino),
      [ino],
    );
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await goesOn(life);
    const { pid } = JSON.parse(runchart('state', id).stdout);
    assert.equal(statSync(`/proc/${pid}/fd/8`).ino, ino);
    assert.deepEqual(links(), []);
  });

  it('lets the container go on where it is killed halfway', async () => {
    const life = await counter();
    const { id } = life;
    const dumping = host.spawn(runchart, 'checkpoint', '--leave-running', '--image-path', images(id), id);
    await until('CRIU is at work', () => existsSync(join(images(id), 'dump.log')));
    const criu = childrenOf(dumping.child.pid ?? 0);
    assert.ok(criu.length > 0);
    dumping.child.kill('SIGKILL');
    await dumping.ended;
    // CRIU may freeze the container only now. It notices that it is alone when it has something to say.
    await until('CRIU has noticed', () => criu.every(({ pid }) => !existsSync(`/proc/${pid}`)));
    await goesOn(life);
    well('checkpoint', '--image-path', images(id), id);
    assert.equal(statusOf(id), undefined);
  });

  it('refuses what is asked for wrongly, and changes nothing', async () => {
    const life = await counter();
    const refused = (text: string | RegExp, ...flags: string[]) => {
      const ended = runchart('checkpoint', '--image-path', images(life.id), ...flags, life.id);
      assert.equal(ended.status, 1);
      if (typeof text === 'string') assert.equal(messageOf(ended), text);
      else assert.match(messageOf(ended), text);
    };
    refused('--parent-path must be relative', '--parent-path', '/tmp');
    refused(/^invalid --parent-path: stat .*\/nosuch: ENOENT/, '--parent-path', '../nosuch');
    refused('invalid manage-cgroups-mode value', '--manage-cgroups-mode', 'never');
    refused('namespace "pid" is not supported', '--empty-ns', 'pid');
    refused('Use --page-server ADDRESS:PORT to specify page server', '--page-server', 'nowhere');
    refused('Invalid port number', '--page-server', '127.0.0.1:http');
    assert.ok(!existsSync(images(life.id)));
    await goesOn(life);
  });

  it('is refused before the start, after the end, and of no container', async () => {
    const { bundle } = await counter();
    const id = host.idFor(runchart);
    assert.equal(runchart('create', '-b', bundle, id).status, 0);
    assert.equal(messageOf(runchart('checkpoint', id)), 'Container cannot be checkpointed in created state');
    assert.equal(runchart('kill', id, 'KILL').status, 0);
    await until('it has ended', () => statusOf(id) === 'stopped');
    assert.equal(messageOf(runchart('checkpoint', id)), 'Container cannot be checkpointed in stopped state');
    assert.match(messageOf(runchart('checkpoint', 'nosuch')), /^container does not exist: \S+ is not in \//);
  });

  it('says that criu is missing, and makes no directory for images', async () => {
    const life = await counter();
    const ended = runchart.with(
      { env: { ...process.env, PATH: '/nosuch' } },
      'checkpoint',
      '--image-path',
      images(life.id),
      life.id,
    );
    assert.match(messageOf(ended), /^CRIU version check failed: exec: "criu": executable file not found in \$PATH/);
    assert.ok(!existsSync(images(life.id)));
    await goesOn(life);
  });

  it('tells what CRIU’s log says, and leaves the container running', async () => {
    // Standard output and error are files of the host's. CRIU looks at them in any order.
    const config = counting();
    const [, , script = ''] = config.process.args ?? [];
    config.process.args = ['sh', '-c', script.replace('exec >/dev/null 2>&1; ', '')];
    const life = host.start(config);
    await until('it counts', () => countOf(life.bundle) > 2);
    const ended = runchart('checkpoint', '--image-path', images(life.id), life.id);
    assert.equal(ended.status, 1);
    const log = join(images(life.id), 'dump.log');
    assert.match(
      messageOf(ended),
      /^criu failed: type \w+ errno -?\d+: \(criu\/.*\): Can't lookup mount=\d+ for fd=[12] path=/,
    );
    assert.ok(messageOf(ended).endsWith(` (log file: ${log})`));
    assert.match(readFileSync(log, 'utf8'), /Can't lookup mount/);
    await goesOn(life);
  });

  it('survives a CRIU that says nothing, or nonsense', async () => {
    const life = await counter();
    const other = (script: string) => {
      const folder = join(host.path, `other-${readdirSync(host.path).length}`);
      const path = join(folder, 'criu');
      mkdirSync(folder);
      writeFileSync(path, `#!/bin/sh\ndd bs=4096 count=1 <&3 >/dev/null 2>&1\n${script}\n`);
      chmodSync(path, 0o755);
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
      return messageOf(runchart.with({ env }, 'checkpoint', '--image-path', images(life.id), life.id));
    };
    const failed = 'CRIU version check failed: ';
    assert.equal(other('exit 0'), `${failed}criu failed: it ended without an answer`);
    assert.equal(other('printf hello >&3'), `${failed}CRIU sent something else than an answer`);
    assert.equal(other('kill -9 $$'), `${failed}criu failed: it ended without an answer`);
    // VERSION, success, 2.12
    assert.equal(
      other(String.raw`printf '\010\012\020\001\122\004\010\002\020\014' >&3`),
      'CRIU version 21200 must be 30000 or higher',
    );
    await goesOn(life);
    assert.ok(existsSync(join(bin, 'criu')));
  });
});
