/** Containers in user namespaces of their own. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config, Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';
import { containers, described, namespaceOf, proc, type ShellConfig, seenBy, statusField } from './containers.ts';

const skip = noContainers;
const host = containers('userns');
after(() => host.close());

const MAPPINGS = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

function mapped(script: string, more: readonly Mount[] = []): ShellConfig {
  const config = shellConfig(script);
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return {
    ...config,
    mounts: [...(config.mounts ?? []), ...more],
    linux: { ...config.linux, namespaces, uidMappings: MAPPINGS, gidMappings: MAPPINGS },
  };
}

suite('a user namespace with mappings', { skip }, () => {
  test('makes the process root in it and nobody outside', async () => {
    await using created = await host.create('root', mapped('id -u; id -g; cat /proc/self/uid_map'));
    assert.equal(statusField(created.pid, 'Uid').split('\t')[0], '100000');
    assert.equal(statusField(created.pid, 'Groups'), '');
    assert.match(proc(created.pid, 'gid_map'), /^\s*0\s+100000\s+65536\n$/);
    assert.equal(await created.finish(), 0);
    assert.deepEqual(created.output().split(/\s+/), ['0', '0', '0', '100000', '65536', '']);
  });

  test('maps users and groups each by their own lines', async () => {
    const config = mapped('sleep 100');
    const uidMappings = [
      { containerID: 0, hostID: 100_000, size: 10 },
      { containerID: 1000, hostID: 300_000, size: 1 },
    ];
    const gidMappings = [
      { containerID: 5, hostID: 400_000, size: 2 },
      { containerID: 0, hostID: 200_000, size: 5 },
    ];
    const user = { uid: 1000, gid: 6, additionalGids: [4] };
    await using created = await host.create('lines', {
      ...config,
      process: { ...config.process, user },
      linux: { ...config.linux, uidMappings, gidMappings },
    });
    const lines = (file: string) =>
      proc(created.pid, file)
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/ +/).join(' '));
    assert.deepEqual(lines('uid_map').toSorted(), ['0 100000 10', '1000 300000 1']);
    assert.deepEqual(lines('gid_map').toSorted(), ['0 200000 5', '5 400000 2']);
    await created.container.start();
    assert.equal(statusField(created.pid, 'Uid').split('\t')[0], '300000');
    assert.equal(statusField(created.pid, 'Gid').split('\t')[0], '400001');
    assert.equal(statusField(created.pid, 'Groups'), '200004');
  });

  test('is made by run too, and with id-mapped mounts alone', () => {
    const run = commandLine(RUNCHART, host.path, 'cli');
    const bind = { destination: '/mnt', source: host.path, type: 'bind' };
    const idmapped = { ...bind, options: ['bind', 'ridmap'], uidMappings: MAPPINGS, gidMappings: MAPPINGS };
    const plain = shellConfig('stat -c %u /mnt');
    const shifted = { ...plain, mounts: [...(plain.mounts ?? []), idmapped] };
    const outputs = [mapped('id -u'), shifted].map((config, i) => {
      const { stdout, stderr } = run('run', '-b', host.bundle(`cli-${i}`, config), host.idOf(`cli-${i}`));
      return stdout + stderr;
    });
    assert.deepEqual(outputs, ['0\n', '100000\n']);
  });

  test('owns the namespaces that are made with it', async () => {
    const script = 'hostname inside && hostname; mount -t tmpfs none /tmp && ip link set lo down && echo may';
    const config = mapped(script);
    const capabilities = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'];
    const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    const { output, status } = await host.run('owner', {
      ...config,
      process: { ...config.process, capabilities: sets },
    });
    assert.equal(status, 0);
    assert.equal(output, 'inside\nmay\n');
  });

  test('has the default devices, bound from the host', async () => {
    await using created = await host.create('devices', mapped('echo x > /dev/null; head -c 2 /dev/zero | wc -c'));
    for (const [name, numbers] of Object.entries({ null: '1:3', zero: '1:5', tty: '5:0', urandom: '1:9' }))
      assert.match(described(seenBy(created.pid, `/dev/${name}`)), new RegExp(`^c ${numbers} 666 `));
    assert.equal(await created.finish(), 0);
    assert.equal(created.output(), '2\n');
  });

  test('reaches a rootfs and sources that only the host may walk to', async () => {
    const hidden = join(host.path, 'hidden');
    mkdirSync(join(hidden, 'shown'), { recursive: true });
    writeFileSync(join(hidden, 'shown/file'), 'text\n');
    writeFileSync(join(hidden, 'single'), 'single\n');
    chmodSync(hidden, 0o700);
    const mounts: Mount[] = [
      { destination: '/shown', source: join(hidden, 'shown'), options: ['bind', 'ro'] },
      { destination: '/single', source: join(hidden, 'single'), options: ['bind'] },
    ];
    assert.equal(statSync(host.path).mode & 0o77, 0, 'the work folder is closed to others');
    // The rootfs is the host's root's: the container's may not make its mount points.
    const prepare = (rootfs: string) => {
      mkdirSync(join(rootfs, 'shown'));
      writeFileSync(join(rootfs, 'single'), '');
    };
    const script = 'cat /shown/file /single; touch /shown/x 2> /dev/null || echo read-only';
    const { output } = await host.run('hidden', mapped(script, mounts), { prepare });
    assert.equal(output, 'text\nsingle\nread-only\n');
  });

  test('tells which source it could not bind', async () => {
    const config = mapped('true', [{ destination: '/x', source: '/does/not/exist', options: ['bind'] }]);
    await assert.rejects(host.run('missing', config), /bind \/does\/not\/exist on \/x: ENOENT/);
  });

  test('runs the process as a user that is mapped, and refuses one that is not', async () => {
    const as = (uid: number): Config => {
      const config = mapped('id -u; id -G');
      return { ...config, process: { ...config.process, user: { uid, gid: 7, additionalGids: [8, 9] } } };
    };
    const { output } = await host.run('user', as(1000));
    assert.equal(output, '1000\n7 8 9\n');
    await assert.rejects(host.run('unmapped', as(70_000)), /unmapped uid 70000/);
  });

  test('cannot be traced or reached by what it joins', async () => {
    await using created = await host.create('dumpable', mapped('sleep 10'));
    assert.notEqual(namespaceOf(created.pid, 'user'), namespaceOf('self', 'user'));
    // Its files belong to the host's root: it is not dumpable.
    assert.equal(statSync(`/proc/${created.pid}/fd`).uid, 0);
  });

  test('is joined by a second container, with the network namespace that it owns', async () => {
    await using first = await host.create('first', mapped('sleep 100'));
    await first.container.start();
    const config = shellConfig(
      'cat /proc/self/uid_map; readlink /proc/self/ns/net; readlink /proc/self/ns/user; ip link set lo down && echo may',
    );
    const ns = (type: string) => `/proc/${first.pid}/ns/${type}`;
    const namespaces = [
      ...(config.linux?.namespaces ?? []).filter(({ type }) => type !== 'network'),
      { type: 'network' as const, path: ns('net') },
      { type: 'user' as const, path: ns('user') },
    ];
    const capabilities = { bounding: ['CAP_NET_ADMIN'], effective: ['CAP_NET_ADMIN'], permitted: ['CAP_NET_ADMIN'] };
    const joining: Config = {
      ...config,
      process: { ...config.process, capabilities },
      linux: { ...config.linux, namespaces },
    };
    const { output, status } = await host.run('second', joining);
    assert.equal(status, 0, output);
    const [map = '', net, user, may] = output.split('\n');
    assert.deepEqual(map.trim().split(/\s+/), ['0', '100000', '65536']);
    assert.deepEqual([net, user, may], [namespaceOf(first.pid, 'net'), namespaceOf(first.pid, 'user'), 'may']);

    const linux = { ...joining.linux, uidMappings: MAPPINGS, gidMappings: MAPPINGS };
    assert.equal((await host.run('agreeing', { ...joining, linux })).status, 0);
    const wrong = [{ containerID: 0, hostID: 5, size: 1 }];
    await assert.rejects(
      host.run('contradicting', { ...joining, linux: { ...linux, uidMappings: wrong } }),
      /non-matching mapping specified/,
    );
  });

  test("is joined together with the host's own namespaces", async () => {
    await using first = await host.create('first', mapped('sleep 100'));
    const config = shellConfig('readlink /proc/self/ns/net');
    const namespaces = [
      ...(config.linux?.namespaces ?? []).filter(({ type }) => type !== 'network'),
      { type: 'user' as const, path: `/proc/${first.pid}/ns/user` },
      { type: 'network' as const, path: '/proc/self/ns/net' },
    ];
    const mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/sys'));
    const { output } = await host.run('host-net', { ...config, mounts, linux: { ...config.linux, namespaces } });
    assert.equal(output.trim(), namespaceOf('self', 'net'));
  });
});
