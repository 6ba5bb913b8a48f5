/** Mounts of a container in a user namespace: what the kernel lets it mount, and what is bound instead. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config, Mount, NamespaceType } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';
import { hostMounts, type MountLine, mountsOf } from './mountinfo.ts';

const skip = noContainers;
const host = containers('mounts-userns');
after(() => host.close());

const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

interface Changes {
  readonly without?: NamespaceType;
  readonly mounts?: readonly Mount[];
}

function mapped(script: string, { without, mounts = [] }: Changes = {}): Config {
  const { hostname, ...config } = shellConfig(script);
  const namespaces = (config.linux?.namespaces ?? []).filter(({ type }) => type !== without);
  return {
    ...config,
    mounts: [...(config.mounts ?? []), ...mounts],
    linux: {
      ...config.linux,
      namespaces: [...namespaces, { type: 'user' }],
      uidMappings: MAPPINGS,
      gidMappings: MAPPINGS,
    },
  };
}

const prepare = (rootfs: string) => mkdirSync(join(rootfs, 'data'));
const at = (pid: number, path: string): MountLine | undefined =>
  mountsOf(pid).findLast((mount) => mount.point === path);

suite('in a user namespace', { skip }, () => {
  test('proc, sysfs and mqueue are instances of its own', async () => {
    await using created = await host.create('own', mapped('ls /proc/1/exe > /dev/null; ls /sys/class/net'));
    const device = (path: string) => at(created.pid, path)?.line.split(' ')[2];
    const ofHost = (path: string) =>
      mountsOf('self')
        .findLast(({ point }) => point === path)
        ?.line.split(' ')[2];
    for (const path of ['/proc', '/sys']) assert.notEqual(device(path), ofHost(path), path);
    assert.equal(at(created.pid, '/dev/mqueue')?.type, 'mqueue');
    assert.equal(await created.finish(), 0);
    assert.equal(created.output(), 'lo\n');
  });

  test("sysfs is the host's, read-only, without a network namespace", async () => {
    await using created = await host.create(
      'sysfs',
      mapped('touch /sys/x 2> /dev/null || echo closed', { without: 'network' }),
    );
    const ours = mountsOf('self').find(({ point }) => point === '/sys');
    const mount = at(created.pid, '/sys');
    assert.equal(mount?.line.split(' ')[2], ours?.line.split(' ')[2]);
    for (const below of mountsOf(created.pid).filter(({ point }) => /^\/sys(\/|$)/.test(point)))
      assert.ok(below.options.includes('ro'), below.line);
    await created.finish();
    assert.equal(created.output(), 'closed\n');
  });

  test("proc is the host's without a pid namespace", async () => {
    const config = mapped('test -d /proc/$PPID && echo there', { without: 'pid' });
    const { output } = await host.run('proc', config);
    assert.equal(output, 'there\n');
  });

  test('locked flags of a source stay, and an error says so if they are to be cleared', async () => {
    const source = join(host.path, 'locked');
    mkdirSync(source);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nosuid,nodev,mode=755', 'tmpfs', source]);
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro,nosuid,nodev,nosymfollow', source]);
      const bound = (...options: string[]) => ({
        mounts: [{ destination: '/data', source, options: ['bind', ...options] }],
      });
      await using created = await host.create('kept', mapped('true', bound('noexec')), { prepare });
      const { options = [] } = at(created.pid, '/data') ?? {};
      for (const flag of ['ro', 'nosuid', 'nodev', 'noexec']) assert.ok(options.includes(flag), flag);
      assert.ok(!options.includes('nosymfollow'), 'it is never locked');
      await assert.rejects(
        host.run('cleared', mapped('true', bound('rw')), { prepare }),
        /bind .*locked on \/data: EPERM.*locked/,
      );
    } finally {
      execFileSync('umount', [source]);
    }
  });

  test('a link is bound itself with src-nofollow, and copied with copy-symlink', async () => {
    const link = join(host.path, 'link');
    symlinkSync('/etc', link);
    const mounts = ['src-nofollow', 'copy-symlink'].map((option) => ({
      destination: `/open/${option}`,
      source: link,
      options: ['bind', option],
    }));
    const open = (rootfs: string) => {
      mkdirSync(join(rootfs, 'open'));
      chmodSync(join(rootfs, 'open'), 0o777);
    };
    const script = 'cd /open; readlink src-nofollow; readlink copy-symlink';
    const { output } = await host.run('links', mapped(script, { mounts }), { prepare: open });
    assert.equal(output, '/etc\n/etc\n');
  });

  test('locked access times stay, and are refused if others are asked for', async () => {
    const source = join(host.path, 'times');
    mkdirSync(source);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'nodiratime,mode=755', 'tmpfs', source]);
    try {
      const bound = (...options: string[]) => ({
        mounts: [{ destination: '/data', source, options: ['bind', ...options] }],
      });
      await using created = await host.create('times', mapped('true', bound('noexec')), { prepare });
      const { options = [] } = at(created.pid, '/data') ?? {};
      for (const flag of ['noexec', 'nodiratime']) assert.ok(options.includes(flag), flag);
      for (const other of ['strictatime', 'relatime', 'noatime'])
        await assert.rejects(
          host.run('others', mapped('true', bound(other)), { prepare }),
          /bind .*times on \/data: EPERM.*locked/,
          other,
        );
    } finally {
      execFileSync('umount', [source]);
    }
  });

  test('masked paths are masked, and read-only paths are read-only', async () => {
    const { output } = await host.run(
      'masks',
      mapped('wc -c < /proc/keys; touch /proc/sys/x 2> /dev/null || echo closed'),
    );
    assert.equal(output, '0\nclosed\n');
  });

  test('its mounts do not reach the host, and those of the host reach it below slaves', async () => {
    const before = hostMounts(host.path).length;
    const source = join(host.path, 'shared');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), '');
    await using created = await host.create(
      'host',
      mapped('true', { mounts: [{ destination: '/data', source, options: ['rbind'] }] }),
      { prepare },
    );
    assert.equal(hostMounts(host.path).length, before);
    for (const { line, optional } of mountsOf(created.pid))
      assert.ok(!optional.some((field) => field.startsWith('shared')), line);
  });
});
