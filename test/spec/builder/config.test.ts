/** A config from a few options: safe where nothing is said, valid, and refused where an option makes no sense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildConfig } from '../../../spec/builder/config.ts';
import type { ConfigOptions, HostFacts } from '../../../spec/builder/options.ts';
import { ALLOWED, namesIn } from '../../../spec/builder/seccomp-calls.ts';
import { SpecError } from '../../../spec/problem.ts';
import type { Config } from '../../../spec/types.ts';
import { checkConfig } from '../../../spec/validate.ts';

const HOST: HostFacts = { unifiedCgroups: true, arch: 'x64' };
const built = (options: ConfigOptions = {}, host = HOST): Config => buildConfig('/images/a', options, host);
const typesOf = ({ linux }: Config) => linux?.namespaces?.map(({ type }) => type) ?? [];

test('what is not said is safe', async () => {
  const config = built();
  await checkConfig(config);
  const { process, linux, root } = config;
  assert.deepEqual(root, { path: '/images/a', readonly: false });
  assert.equal(process?.noNewPrivileges, true);
  assert.deepEqual(process?.args, ['sh']);
  assert.deepEqual(process?.user, { uid: 0, gid: 0, additionalGids: [] });
  assert.deepEqual(typesOf(config), ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network']);
  const all = new Set(Object.values(process?.capabilities ?? {}).flat());
  assert.equal(all.size, 14);
  for (const name of ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_SYS_PTRACE', 'CAP_SYS_MODULE']) assert.ok(!all.has(name));
  assert.ok(linux?.maskedPaths?.includes('/proc/kcore') && linux.maskedPaths.includes('/proc/interrupts'));
  assert.ok(linux?.readonlyPaths?.includes('/proc/sys'));
  assert.deepEqual(linux?.resources?.pids, { limit: 2048 });
  assert.equal(linux?.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  const allowed = linux?.seccomp?.syscalls?.filter(({ action }) => action === 'SCMP_ACT_ALLOW') ?? [];
  const unconditional = new Set(allowed.filter(({ args }) => args === undefined).flatMap(({ names }) => names));
  for (const name of ['read', 'execve', 'chroot', 'arch_prctl']) assert.ok(unconditional.has(name), name);
  for (const name of ['mount', 'bpf', 'unshare', 'setns', 'clone', 'clone3', 'io_uring_setup', 'kexec_load', 'socket'])
    assert.ok(!unconditional.has(name), name);
});

test('no call is allowed twice, and none that makes a container an open door', () => {
  const names = Object.values(ALLOWED).flatMap(namesIn);
  assert.equal(new Set(names).size, names.length);
  for (const name of ['mount', 'umount2', 'pivot_root', 'keyctl_x', 'userfaultfd', 'perf_event_open', 'init_module'])
    assert.ok(!names.includes(name), name);
});

test('each option is in the config', async () => {
  const config = built({
    args: ['node', 'a.js'],
    env: { GREETING: 'hello', PATH: '/bin' },
    cwd: '/srv',
    user: { uid: 1000, additionalGids: [7] },
    hostname: 'web',
    mounts: [
      { source: '/srv/data', destination: '/data', readonly: true },
      { source: '/srv/rw', destination: '/rw' },
      { tmpfs: '/tmp', size: '64m' },
      { destination: '/q', type: 'mqueue', source: 'mqueue' },
    ],
    memory: '1.5g',
    cpus: 1.5,
    pids: 10,
    network: 'host',
    readonly: true,
    capabilities: { drop: ['ALL'], add: ['CAP_SYS_ADMIN'] },
    newPrivileges: true,
    annotations: { a: 'b' },
  });
  await checkConfig(config);
  const { process, mounts = [], linux } = config;
  assert.deepEqual(process?.env, ['GREETING=hello', 'PATH=/bin']);
  assert.deepEqual(process?.user, { uid: 1000, gid: 1000, additionalGids: [7] });
  assert.deepEqual(process?.capabilities, { bounding: ['CAP_SYS_ADMIN'], effective: [], permitted: [] });
  assert.equal(process?.noNewPrivileges, false);
  assert.deepEqual(mounts.slice(-4), [
    {
      destination: '/data',
      type: 'bind',
      source: '/srv/data',
      options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'rro'],
    },
    { destination: '/rw', type: 'bind', source: '/srv/rw', options: ['rbind', 'rprivate', 'nosuid', 'nodev'] },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777', 'size=67108864'] },
    { destination: '/q', type: 'mqueue', source: 'mqueue' },
  ]);
  assert.deepEqual(linux?.resources?.memory, { limit: 1_610_612_736 });
  assert.deepEqual(linux?.resources?.cpu, { quota: 150_000, period: 100_000 });
  assert.deepEqual(linux?.resources?.pids, { limit: 10 });
  assert.ok(!typesOf(config).includes('network'));
  const allowed = linux?.seccomp?.syscalls?.flatMap(({ names, args }) => (args === undefined ? names : [])) ?? [];
  assert.ok(allowed.includes('mount') && allowed.includes('clone3') && !allowed.includes('chroot'));
  assert.equal(config.hostname, 'web');
  assert.deepEqual(config.annotations, { a: 'b' });
  assert.equal(built({ seccomp: 'unconfined' }).linux?.seccomp, undefined);
});

test('a user without rights gets a user namespace, and no limits that need a cgroup', async () => {
  for (const network of ['none', 'host'] as const) {
    const config = built({ network }, { ...HOST, rootless: { uid: 1000, gid: 100 } });
    await checkConfig(config);
    assert.ok(typesOf(config).includes('user'));
    assert.equal(typesOf(config).includes('network'), network === 'none');
    assert.deepEqual(config.linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
    assert.equal(config.linux?.resources?.pids, undefined);
    const sys = config.mounts?.find(({ destination }) => destination === '/sys');
    assert.ok(sys?.options?.includes('rro'), 'what the host has mounted below cannot be written to');
  }
});

test('a user namespace of one’s own mappings, on arm64', async () => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const config = built({ idMappings: { uids: ids, gids: ids } }, { ...HOST, arch: 'arm64' });
  await checkConfig(config);
  assert.deepEqual(config.linux?.uidMappings, ids);
  assert.equal(typesOf(config).filter((type) => type === 'user').length, 1);
  assert.deepEqual(config.linux?.seccomp?.architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
});

test('an option that makes no sense is named', () => {
  const wrong: readonly [unknown, string][] = [
    [{ memory: 'much' }, 'memory'],
    [{ memory: -1 }, 'memory'],
    [{ memory: '12q' }, 'memory'],
    [{ cpus: 0 }, 'cpus'],
    [{ cpus: Number.NaN }, 'cpus'],
    [{ pids: 1.5 }, 'pids'],
    [{ network: 'bridge' }, 'network'],
    [{ seccomp: 'none' }, 'seccomp'],
    [{ mounts: [{ source: 'relative', destination: '/x' }] }, 'mounts[0].source'],
    [{ mounts: [{ source: '/x', destination: '../x' }] }, 'mounts[0].destination'],
    [{ mounts: [{ source: '/x' }] }, 'mounts[0].destination'],
    [{ mounts: [null] }, 'mounts[0]'],
    [{ mounts: [{ tmpfs: '/tmp', size: 'x' }] }, 'mounts[0].size'],
    [{ mounts: [{ tmpfs: '/tmp', mode: -1 }] }, 'mounts[0].mode'],
  ];
  for (const [options, field] of wrong)
    assert.throws(
      () => built(options as ConfigOptions),
      (error) => error instanceof SpecError && error.message.startsWith(`options: ${field}: must be`),
      JSON.stringify(options),
    );
  assert.throws(() => buildConfig('relative', {}, HOST), /options: rootfs: must be an absolute path/);
});
