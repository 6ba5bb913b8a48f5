/**
 * Random configs of which every runtime should make the same container. What the specification leaves open is left out.
 */

import fc from 'fast-check';
import type { Config, Linux, Mount, Process } from '../../../spec/types.ts';
import { shellConfig } from '../bundle.ts';

/** What the paths of a config mean on the host. */
export interface Sources {
  /** A directory with a file in it, and with another file system mounted below. */
  readonly directory: string;
  readonly file: string;
}

const CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SYS_ADMIN'];

/** Limits that can be set even if the tests themselves are limited. */
const RLIMITS = ['RLIMIT_CPU', 'RLIMIT_FSIZE', 'RLIMIT_NOFILE', 'RLIMIT_SIGPENDING', 'RLIMIT_STACK'];

/** Paths in the rootfs that `layOut` makes: some exist, some are missing, and some lead elsewhere. */
const DIRECTORIES = ['/t', '/t/a', '/t/a/b', '/t/new', '/new/deep/er', '/links/abs', '/links/rel', '/links/out'];
const FILES = ['/t/file', '/links/file', '/new/file', '/etc/hostname', '/dev/extra'];
/** None of these is below another, and nothing is mounted on them, since the order is up to each runtime. */
const MASKED = ['/m/directory', '/m/file', '/links/m', '/nope', '/proc/keys', '/proc/timer_list', '/sys/firmware'];
const READONLY = ['/r/directory', '/r/file', '/links/r', '/nope', '/proc/bus', '/proc/sys'];

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const some = <T>(values: readonly T[], maxLength = values.length): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...values], { maxLength });

/** Takes at most one of each group. Which of two opposites wins is up to each runtime. */
const attributes = (groups: readonly (readonly string[])[]): fc.Arbitrary<string[]> =>
  fc
    .tuple(...groups.map((group) => optional(fc.constantFrom(...group))))
    .map((chosen) => chosen.filter((option) => option !== undefined));

const own = attributes([
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
  ['noatime', 'relatime', 'strictatime'],
]);
const ofTree = attributes([['rro'], ['rnosuid'], ['rnodev'], ['rnoatime']]);
const propagation = optional(fc.constantFrom('private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'));
const parameters = attributes([['size=64k', 'size=1m'], ['uid=1000'], ['gid=5']]);

const tmpfs = fc
  .record({ destination: fc.constantFrom(...DIRECTORIES), own, parameters, propagation })
  .map(({ destination, propagation, ...options }) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...options.own, ...options.parameters, ...word(propagation)],
  }));

/** Nothing else is mounted here, since runc changes the permissions of some mounts that it finds. */
const copied = own.map((options) => ({
  destination: '/copied',
  type: 'tmpfs',
  source: 'tmpfs',
  options: [...options, 'tmpcopyup'],
}));

const bindOf = (source: string, destinations: readonly string[], options: fc.Arbitrary<string[]>) =>
  fc
    .record({ destination: fc.constantFrom(...destinations), options, propagation, recursive: fc.boolean() })
    .map(({ destination, options, propagation, recursive }) => ({
      destination,
      type: 'bind',
      source,
      options: [recursive ? 'rbind' : 'bind', ...options, ...word(propagation)],
    }));

const word = (option: string | undefined): string[] => (option === undefined ? [] : [option]);

const process = (base: Process): fc.Arbitrary<Process> =>
  fc
    .record({
      user: fc.record({
        uid: fc.constantFrom(0, 1, 1000, 65534),
        gid: fc.constantFrom(0, 1, 1000),
        additionalGids: some([0, 5, 10, 1000]),
        umask: fc.constantFrom(0, 0o22, 0o77),
      }),
      cwd: fc.constantFrom('/', '/w', '/dev/shm', '/missing', '/missing/deep/er'),
      env: some(['A=1', 'B=', 'HOME=/h', 'X=a=b', 'Z=\u00e9', 'PATH=/bin', 'D=a b\nc']),
      capabilities: fc.record(
        { bounding: some(CAPABILITIES), inheritable: some(CAPABILITIES), ambient: some(CAPABILITIES) },
        { requiredKeys: [] },
      ),
      permitted: some(CAPABILITIES),
      rlimits: some(RLIMITS, 3),
      soft: fc.constantFrom(64, 1024),
      noNewPrivileges: fc.boolean(),
      oomScoreAdj: optional(fc.constantFrom(100, 1000)),
    })
    .map(({ rlimits, soft, capabilities, permitted, ...process }) => ({
      ...base,
      ...process,
      env: [...(base.env ?? []), ...process.env],
      // The kernel refuses capabilities that are not permitted too. Another test is about that.
      capabilities: {
        ...capabilities,
        bounding: [...new Set([...(capabilities.bounding ?? []), ...permitted, ...(capabilities.inheritable ?? [])])],
        permitted,
        effective: permitted,
        ambient: capabilities.ambient?.filter(
          (one) => permitted.includes(one) && capabilities.inheritable?.includes(one),
        ),
      },
      rlimits: rlimits.map((type) => ({ type, soft: soft * limitUnit(type), hard: 1024 * limitUnit(type) })),
    }));

/** For a size in bytes: enough for a shell. */
const limitUnit = (type: string): number => (/FSIZE|STACK/.test(type) ? 65536 : 1);

const linux = (base: Linux): fc.Arbitrary<Linux> =>
  fc
    .record({
      namespaces: some(['pid', 'network', 'ipc', 'uts', 'cgroup'] as const),
      maskedPaths: some(MASKED),
      readonlyPaths: some(READONLY),
      // runc 1.2 has changed what is shared of the root.
      rootfsPropagation: optional(fc.constantFrom('private', 'rprivate', 'slave', 'rslave')),
      devices: some([
        { path: '/dev/a', type: 'c', major: 1, minor: 5, fileMode: 0o640, uid: 1, gid: 5 },
        { path: '/dev/deep/er/b', type: 'b', major: 7, minor: 0 },
        { path: '/fifo', type: 'p', fileMode: 0o4755 },
      ] as const),
      seccomp: optional(
        fc.record({ action: fc.constantFrom('SCMP_ACT_ERRNO', 'SCMP_ACT_LOG'), errnoRet: fc.constantFrom(2, 28) }),
      ),
      sysctl: some(['kernel.msgmax=9000', 'net.ipv4.ip_forward=1', 'net.ipv4.ping_group_range=0 1000']),
    })
    .map(({ namespaces, seccomp, sysctl, ...linux }) => {
      const has = (namespace: string): boolean => namespaces.some((one) => one === namespace);
      const allowed = sysctl.filter((line) => has(line.startsWith('net.') ? 'network' : 'ipc'));
      return {
        ...base,
        ...linux,
        namespaces: [...namespaces, 'mount' as const].map((type) => ({ type })),
        sysctl: Object.fromEntries(allowed.map((line) => line.split('='))),
        ...(seccomp === undefined ? {} : { seccomp: refusing(seccomp) }),
      };
    });

const refusing = ({ action, errnoRet }: { action: string; errnoRet: number }): NonNullable<Linux['seccomp']> => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    {
      names: ['mkdir', 'mkdirat', 'no_such_call'],
      action: action as 'SCMP_ACT_ERRNO',
      ...(action === 'SCMP_ACT_ERRNO' ? { errnoRet } : {}),
    },
  ],
});

/** @param script what the container's process runs */
export function randomConfigs(script: string, { directory, file }: Sources): fc.Arbitrary<Config> {
  const base = { ...shellConfig(script), ociVersion: '1.0.2' };
  const mount: fc.Arbitrary<Mount> = fc.oneof(
    tmpfs,
    copied,
    bindOf(directory, DIRECTORIES, own),
    bindOf(directory, DIRECTORIES, ofTree),
    bindOf(file, FILES, own),
  );
  return fc
    .record({
      process: process(base.process),
      linux: linux(base.linux ?? {}),
      mounts: fc.uniqueArray(mount, { maxLength: 4, selector: ({ destination }) => destination }),
      hostname: fc.constantFrom('one', 'x.y', ''),
      readonly: fc.boolean(),
    })
    .map(({ hostname, mounts, readonly, ...config }) => ({
      ...base,
      ...config,
      root: { path: 'rootfs', readonly },
      mounts: [...(base.mounts ?? []).filter(({ type }) => type !== 'cgroup'), ...mounts],
      hostname: config.linux.namespaces?.some(({ type }) => type === 'uts') ? hostname : '',
    }));
}
