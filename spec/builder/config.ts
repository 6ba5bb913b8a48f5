/** Builds a config.json from a few options. What is not said is safe rather than comfortable. Pure. */

import { defaultConfig, rootlessConfig } from '../default.ts';
import type { Capabilities, Config, Linux, Mount, Process } from '../types.ts';
import { mountOf } from './mounts.ts';
import type { ConfigOptions, HostFacts } from './options.ts';
import { bytesOf } from './quantity.ts';
import { refuse } from './refuse.ts';
import { defaultSeccomp } from './seccomp.ts';

/** Docker's. */
const CAPABILITIES: readonly string[] = [
  ...['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_MKNOD'],
  ...['CAP_NET_BIND_SERVICE', 'CAP_NET_RAW', 'CAP_SETFCAP', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID'],
  'CAP_SYS_CHROOT',
];

/** What Docker masks, beside what the default config does: both tell of the power that others use. */
const MASKED: readonly string[] = ['/proc/interrupts', '/sys/devices/virtual/powercap'];

const CPU_PERIOD_MICROSECONDS = 100_000;
const MOST_PROCESSES = 2048;

/**
 * @param rootfs absolute path of the root file system
 * @throws SpecError for an option that cannot be used. Whether the config is valid is checked where it is used
 */
export function buildConfig(rootfs: string, options: ConfigOptions, host: HostFacts): Config {
  if (typeof rootfs !== 'string' || !rootfs.startsWith('/')) refuse(['rootfs'], 'must be an absolute path');
  const { hostname, annotations, mounts = [] } = options;
  const base = baseConfig(host);
  return {
    ...base,
    process: processOf(options, base),
    root: { path: rootfs, readonly: options.readonly ?? false },
    hostname: hostname ?? base.hostname,
    mounts: [...mountsOf(base, options), ...mounts.map((mount, i) => mountOf(mount, ['mounts', i]))],
    linux: linuxOf(options, host, base.linux ?? {}),
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
}

function baseConfig({ unifiedCgroups, rootless }: HostFacts): Config {
  return rootless === undefined ? defaultConfig({ unifiedCgroups }) : rootlessConfig({ unifiedCgroups, ...rootless });
}

function processOf(options: ConfigOptions, base: Config): Process {
  const { args = ['sh'], cwd = '/', user = { uid: 0 }, rlimits } = options;
  return {
    terminal: false,
    user: { ...user, gid: user.gid ?? user.uid, additionalGids: [...(user.additionalGids ?? [])] },
    args: programArguments(args),
    env: environment(options, base),
    cwd,
    capabilities: capabilitySets(options),
    noNewPrivileges: options.newPrivileges !== true,
    ...(rlimits === undefined ? {} : { rlimits }),
  };
}

function environment({ env = [] }: ConfigOptions, base: Config): string[] {
  const given = environmentEntries(env);
  const path = base.process?.env?.find((entry) => entry.startsWith('PATH=')) ?? 'PATH=/usr/bin:/bin';
  return given.some((entry) => entry.startsWith('PATH=')) ? given : [...given, path];
}

/** `NAME=value` of each. @throws SpecError */
export function environmentEntries(env: NonNullable<ConfigOptions['env']>): string[] {
  if (typeof env !== 'object' || env === null) return refuse(['env'], 'must be a list or an object');
  return Array.isArray(env) ? [...env] : Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** @throws SpecError: a text would be taken for the list of its letters */
export function programArguments(args: readonly string[]): string[] {
  return Array.isArray(args) ? [...args] : refuse(['args'], 'must be a list of strings');
}

function capabilityNames({ capabilities: { add = [], drop = [] } = {} }: ConfigOptions): string[] {
  const kept = drop.includes('ALL') ? [] : CAPABILITIES.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...add])];
}

/** As Docker: a user other than root has them in the bounding set alone, and gets them by a set-user-ID program. */
function capabilitySets(options: ConfigOptions): Capabilities {
  const names = capabilityNames(options);
  const own = (options.user?.uid ?? 0) === 0 ? names : [];
  return { bounding: names, effective: [...own], permitted: [...own] };
}

/** The file systems of the kernel. With the host's network there is no sysfs of the container's own. */
function mountsOf({ mounts = [] }: Config, { network = 'none', idMappings }: ConfigOptions): Mount[] {
  const isForeign = network === 'host' && idMappings !== undefined;
  return mounts.map((mount) => {
    if (mount.destination !== '/sys') return mount;
    // A user namespace can mount a sysfs only of a network namespace that it owns.
    const bound = mount.type === 'none' || isForeign;
    return bound
      ? { ...mount, type: 'bind', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'rro'] }
      : mount;
  });
}

function linuxOf(options: ConfigOptions, host: HostFacts, base: Linux): Linux {
  const { network = 'none', idMappings } = options;
  if (network !== 'none' && network !== 'host') refuse(['network'], 'must be "none" or "host"');
  const namespaces = (base.namespaces ?? []).filter(({ type }) => type !== 'network');
  const hasUser = namespaces.some(({ type }) => type === 'user');
  return {
    ...base,
    namespaces: [
      ...namespaces,
      ...(network === 'none' ? [{ type: 'network' as const }] : []),
      ...(idMappings !== undefined && !hasUser ? [{ type: 'user' as const }] : []),
    ],
    ...(idMappings === undefined ? {} : { uidMappings: [...idMappings.uids], gidMappings: [...idMappings.gids] }),
    resources: resourcesOf(options, host, base),
    maskedPaths: [...(base.maskedPaths ?? []), ...MASKED],
    ...seccompOf(options, host),
  };
}

function resourcesOf({ memory, cpus, pids }: ConfigOptions, { rootless }: HostFacts, base: Linux) {
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus >= 0.01)) refuse(['cpus'], 'must be at least 0.01');
  if (pids !== undefined && !Number.isInteger(pids)) refuse(['pids'], 'must be a whole number');
  // Who is not root may have no cgroup to limit anything by. What is asked for is tried.
  const limit = pids ?? (rootless === undefined ? MOST_PROCESSES : undefined);
  return {
    ...base.resources,
    ...(memory === undefined ? {} : { memory: { limit: bytesOf(memory, ['memory']) } }),
    ...(cpus === undefined
      ? {}
      : { cpu: { quota: Math.round(cpus * CPU_PERIOD_MICROSECONDS), period: CPU_PERIOD_MICROSECONDS } }),
    ...(limit === undefined ? {} : { pids: { limit } }),
  };
}

function seccompOf(options: ConfigOptions, { arch }: HostFacts): Pick<Linux, 'seccomp'> {
  const { seccomp = 'default' } = options;
  if (seccomp === 'unconfined') return {};
  if (typeof seccomp === 'string' && seccomp !== 'default')
    refuse(['seccomp'], 'must be "default", "unconfined" or a profile as in config.json');
  return { seccomp: seccomp === 'default' ? defaultSeccomp(arch, capabilityNames(options)) : seccomp };
}
