/** The namespaces and the scope of a checkpointed container, made or joined again. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config, Namespace } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { checkpoints, counting, countOf, noCriu } from './criu.ts';
import { until } from './lives.ts';

const skip = noContainers || noCriu();

describe('checkpoint and restore in namespaces', { skip }, () => {
  const { host, well, images, pidOf, inside, started, twice } = checkpoints('criu-ns');
  const { runchart } = host;
  after(() => host.close());

  const withNamespaces = (config: Config, change: (namespaces: readonly Namespace[]) => Namespace[]): Config => ({
    ...config,
    linux: { ...config.linux, namespaces: change(config.linux?.namespaces ?? []) },
  });

  it('a network namespace of somebody else’s, and the devices that were moved there', async (t) => {
    const [holder, others] = [1, 2].map(() => spawn('unshare', ['-n', 'sleep', '1000'], { stdio: 'ignore' }));
    const namespace = (of = holder) => `/proc/${of?.pid}/ns/net`;
    /** Runs a command in a network namespace in the place of the host's, so that nothing changes there. */
    const besides = (...argv: string[]) =>
      spawnSync('nsenter', [`--net=${namespace(others)}`, ...argv], { stdio: 'ignore' }).status === 0;
    try {
      const own = readlinkSync('/proc/self/ns/net');
      await until('both are there', () => [holder, others].every((one) => readlinkSync(namespace(one)) !== own));
      const config = withNamespaces(counting(), (all) => [
        ...all.filter(({ type }) => type !== 'network'),
        { type: 'network', path: namespace() },
      ]);
      const devices = besides('ip', 'link', 'add', 'outer', 'type', 'veth', 'peer', 'name', 'other');
      if (devices) config.linux = { ...config.linux, netDevices: { outer: { name: 'inner' } } };
      else t.diagnostic('this kernel makes no veth devices');
      const id = host.idFor(runchart);
      const bundle = host.bundle(id, config);
      assert.ok(besides(RUNCHART, '--root', runchart.root, 'run', '-d', '-b', bundle, id));
      await until('it counts', () => countOf(bundle) > 2);
      const device = () => inside(id, 'cat /sys/class/net/inner/address');
      const before = devices && device();
      // The device has been moved already: where `restore` runs, there is none of its first name.
      await twice({ id, bundle, pid: pidOf(id) });
      assert.equal(readlinkSync(`/proc/${pidOf(id)}/ns/net`), readlinkSync(namespace()));
      assert.equal(devices && device(), before);
      well('checkpoint', '--image-path', images(id), id);
    } finally {
      for (const one of [holder, others]) one?.kill('SIGKILL');
    }
    await until('it is gone', () => !existsSync(`/proc/${holder?.pid}/ns`));
  });

  it('a cgroup namespace', async () => {
    const life = await started(
      withNamespaces(counting(), (all) => [...all.filter(({ type }) => type !== 'cgroup'), { type: 'cgroup' }]),
    );
    const own = readlinkSync('/proc/self/ns/cgroup');
    assert.notEqual(readlinkSync(`/proc/${life.pid}/ns/cgroup`), own);
    await twice(life);
    assert.notEqual(readlinkSync(`/proc/${pidOf(life.id)}/ns/cgroup`), own);
  });

  it('a user namespace', async () => {
    const config = counting();
    const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux = {
      ...config.linux,
      namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: mapping,
      gidMappings: mapping,
    };
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, config);
    assert.equal(spawnSync('chown', ['-R', '100000:100000', join(bundle, 'rootfs')]).status, 0);
    for (const folder of [host.path, dirname(host.path)]) chmodSync(folder, 0o755);
    well('run', '-d', '-b', bundle, id);
    await until('it counts', () => countOf(bundle) > 2);
    await twice({ id, bundle, pid: pidOf(id) });
    const { mode, gid } = statSync(images(id));
    assert.deepEqual([mode & 0o7777, gid], [0o710, 100_000]);
    assert.equal(
      readFileSync(`/proc/${pidOf(id)}/uid_map`, 'utf8')
        .trim()
        .split(/\s+/)
        .join(' '),
      '0 100000 65536',
    );
    assert.equal(inside(id, 'id -u'), '0');
  });

  const systemd = existsSync('/run/systemd/system');
  it('a scope of systemd’s', { skip: !systemd && 'systemd does not run here' }, async () => {
    const life = host.start(counting(), '--systemd-cgroup');
    const { id, bundle } = life;
    await until('it counts', () => countOf(bundle) > 2);
    const cgroup = () => readFileSync(`/proc/${pidOf(id)}/cgroup`, 'utf8');
    const before = cgroup();
    assert.match(before, /\.scope$/m);
    well('checkpoint', '--image-path', images(id), id);
    const count = countOf(bundle);
    well('--systemd-cgroup', 'restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await until('it counts again', () => countOf(bundle) > count);
    assert.equal(cgroup(), before);
  });
});
