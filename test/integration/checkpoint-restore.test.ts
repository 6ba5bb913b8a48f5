/** `restore`: it does as `run` does, with processes that were there before. */

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { noContainers, writeConfig } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { counting, countOf, noCriu, provideCriu } from './criu.ts';
import { textOf } from './gone-meanwhile.ts';
import { type Life, lives, until } from './lives.ts';

const skip = noContainers || noCriu();

/** Ends the hook of a command that was killed: it goes on without the command. */
const HOOK_SECONDS = '61.7';

const processesThatSleep = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/cmdline`) === `sleep\0${HOOK_SECONDS}\0`)
    .map(Number);

describe('restore', { skip }, () => {
  const host = lives('restore');
  const { runchart } = host;
  provideCriu(host.path);
  after(() => host.close());

  const stateOf = (id: string) => {
    const { status, stdout } = runchart('state', id);
    return status === 0 ? JSON.parse(stdout) : undefined;
  };
  const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
  const images = (id: string): string => join(host.path, `${id}.images`);

  /** A container that has been checkpointed. */
  async function checkpointed(config: Config = counting(), ...flags: string[]): Promise<Life> {
    const life = host.start(config);
    await until('it counts', () => countOf(life.bundle) > 2);
    well('checkpoint', ...flags, '--image-path', images(life.id), life.id);
    return life;
  }
  const goesOn = async ({ bundle }: Life) => {
    const count = countOf(bundle);
    await until('it goes on counting', () => countOf(bundle) > count);
  };

  it('stands for the container in the foreground, and deletes it', async () => {
    const life = await checkpointed();
    const { id, bundle } = life;
    const restored = host.spawn(runchart, 'restore', '-b', bundle, '--image-path', images(id), id);
    await goesOn(life);
    assert.equal(stateOf(id).status, 'running');
    // The init is a child of the command, which gets its status so.
    assert.match(
      readFileSync(`/proc/${stateOf(id).pid}/status`, 'utf8'),
      new RegExp(`^PPid:\t${restored.child.pid}$`, 'm'),
    );
    restored.child.kill('SIGTERM');
    assert.equal(await restored.ended, 3);
    assert.deepEqual([restored.output(), restored.errors()], ['', '']);
    assert.equal(stateOf(id), undefined);
  });

  it('writes the pid file and its log, and leaves a container that all commands know', async () => {
    const life = await checkpointed();
    const { id, bundle } = life;
    const file = join(host.path, 'pid');
    const work = join(host.path, `${id}.work`);
    mkdirSync(work);
    // containerd has such a directory. CRIU mounts there, so it must be in CRIU's own mount namespace.
    symlinkSync(work, `${work}.link`);
    const flags = ['--pid-file', file, '--work-path', `${work}.link`];
    well('restore', '-d', ...flags, '-b', bundle, '--image-path', images(id), id);
    assert.equal(Number(readFileSync(file, 'utf8')), stateOf(id).pid);
    assert.ok(existsSync(join(work, 'restore.log')));
    well('pause', id);
    well('resume', id);
    assert.equal(runchart('exec', id, 'echo', 'hello').stdout, 'hello\n');
    const { pid } = stateOf(id);
    const inside = runchart(
      'exec',
      id,
      'sh',
      '-c',
      'for n in ipc mnt net pid time uts; do readlink /proc/self/ns/$n; done',
    );
    const names = ['ipc', 'mnt', 'net', 'pid', 'time', 'uts'].map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
    assert.deepEqual(inside.stdout.trim().split('\n'), names);
    assert.match(runchart('exec', id, 'ip', 'addr', 'show', 'lo').stdout, /[<,]UP[,>]/);
    assert.deepEqual(JSON.parse(runchart('ps', '--format', 'json', id).stdout).includes(pid), true);
    // It can be done once more.
    well('checkpoint', '--image-path', images(`${id}.2`), id);
    well('restore', '-d', '-b', bundle, '--image-path', images(`${id}.2`), id);
    await goesOn(life);
    well('kill', id, 'KILL');
    await until('it has ended', () => stateOf(id).status === 'stopped');
    well('delete', id);
  });

  it('restores what exec has started', async () => {
    const life = host.start(counting());
    const { id, bundle } = life;
    // CRIU cannot restore a process whose parent is outside of the container: so it is in the background. And a file
    // that
    // it has open would have to be there again.
    const loop = 'while :; do mkdir -p /other; sleep 0.05; done';
    well('exec', id, 'sh', '-c', `(${loop}) </dev/null >/dev/null 2>&1 &`);
    const other = join(bundle, 'rootfs/other');
    await until('it works', () => existsSync(other));
    well('checkpoint', '--image-path', images(id), id);
    rmdirSync(other);
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await until('it works again', () => existsSync(other));
  });

  it('gives pipes in the place of pipes', async () => {
    const config = counting();
    config.process.args = ['sh', '-c', 'while read line; do echo "got $line"; done'];
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, config);
    const first = host.spawn(runchart, 'run', '-b', bundle, id);
    first.child.stdin?.write('one\n');
    await until('it answers', () => first.output() === 'got one\n');
    well('checkpoint', '--image-path', images(id), id);
    first.child.stdin?.end();
    await first.ended;
    const second = host.spawn(runchart, 'restore', '-b', bundle, '--image-path', images(id), id);
    second.child.stdin?.write('two\n');
    await until('it answers', () => second.output() === 'got two\n');
    second.child.stdin?.end();
    assert.equal(await second.ended, 0);
  });

  it('runs the hooks that runc runs: prestart and createRuntime with the new init, and poststop', async () => {
    const log = join(host.path, 'hooks');
    const hook = (name: string) => ({ path: '/bin/sh', args: ['sh', '-c', `echo ${name} $(cat) >> ${log}`] });
    const config = {
      ...counting(),
      hooks: Object.fromEntries(
        ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((name) => [
          name,
          [hook(name)],
        ]),
      ),
    };
    const life = await checkpointed({ ...config, hooks: {} });
    const { id, bundle } = life;
    writeConfig(bundle, {
      ...config,
      hooks: {
        prestart: config.hooks.prestart,
        createRuntime: config.hooks.createRuntime,
        poststart: config.hooks.poststart,
        poststop: config.hooks.poststop,
      },
    });
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    const { pid } = stateOf(id);
    const seen = textOf(log).trim().split('\n');
    assert.deepEqual(
      seen.map((line) => line.split(' ')[0]),
      ['prestart', 'createRuntime'],
    );
    for (const line of seen) {
      const state = JSON.parse(line.slice(line.indexOf('{')));
      assert.equal(state.pid, pid);
      assert.equal(state.status, 'creating');
    }
    well('delete', '--force', id);
    assert.match(textOf(log).trim().split('\n').at(-1) ?? '', /^poststop \{.*"status":"stopped"/);
  });

  it('undoes everything where a hook fails', async () => {
    const life = await checkpointed();
    const { id, bundle } = life;
    writeConfig(bundle, {
      ...counting(),
      hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo no >&2; exit 7'] }] },
    });
    const ended = runchart('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    assert.equal(ended.status, 1);
    assert.match(messageOf(ended), /^error running createRuntime hook #0: exit status 7, stdout: , stderr: no/);
    nothingOf(id);
    writeConfig(bundle, counting());
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await goesOn(life);
  });

  it('makes nothing where there is no checkpoint, or a broken one', async () => {
    const life = await checkpointed();
    const { id, bundle } = life;
    const restored = (path: string) => runchart('restore', '-d', '-b', bundle, '--image-path', path, id);
    const nosuch = join(host.path, 'nosuch');
    assert.equal(
      messageOf(restored(nosuch)),
      `read the checkpoint: ${nosuch}/descriptors.json: ENOENT: no such file or directory`,
    );
    assert.ok(!existsSync(nosuch));
    const broken = join(host.path, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'descriptors.json'), '{}');
    assert.equal(
      messageOf(restored(broken)),
      `read the checkpoint: ${broken}/descriptors.json: it is no list of texts`,
    );
    writeFileSync(join(broken, 'descriptors.json'), '[]');
    const ended = restored(broken);
    assert.equal(ended.status, 1);
    assert.match(
      messageOf(ended),
      /^criu failed: type RESTORE errno -?\d+: \(criu\/.*\(log file: .*\/broken\/restore\.log\)$/,
    );
    writeFileSync(join(images(id), 'pstree.img'), 'no image');
    assert.match(messageOf(restored(images(id))), /^criu failed: /);
    nothingOf(id);
  });

  it('leaves a container of that name alone', async () => {
    const life = await checkpointed(counting(), '--leave-running');
    const { id, bundle } = life;
    const ended = runchart('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    assert.equal(messageOf(ended), 'container with given ID already exists');
    await goesOn(life);
    assert.equal(stateOf(id).pid, life.pid);
  });

  it('leaves what delete --force removes when it is killed halfway', async () => {
    const life = await checkpointed();
    const { id, bundle } = life;
    const started = join(host.path, 'started');
    writeConfig(bundle, {
      ...counting(),
      hooks: {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', `touch ${started}; exec sleep ${HOOK_SECONDS}`] }],
      },
    });
    const restoring = host.spawn(runchart, 'restore', '-b', bundle, '--image-path', images(id), id);
    await until('the hook runs', () => existsSync(started));
    assert.equal(stateOf(id).status, 'creating');
    restoring.child.kill('SIGKILL');
    await restoring.ended;
    well('delete', '--force', id);
    nothingOf(id);
    for (const pid of processesThatSleep()) process.kill(pid, 'SIGKILL');
    assert.ok(existsSync(join(bundle, 'rootfs/bin/busybox')), 'the rootfs is as it was');
    writeConfig(bundle, counting());
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await goesOn(life);
  });

  /** Checks that no state, no cgroup and no mount is left. */
  function nothingOf(id: string): void {
    assert.equal(stateOf(id), undefined);
    assert.ok(!existsSync(join(runchart.root, id)));
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(id));
    for (const name of readdirSync('/sys/fs/cgroup')) assert.ok(!existsSync(`/sys/fs/cgroup/${name}/${id}`));
  }
});
