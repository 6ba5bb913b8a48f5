import type { Mount } from './config/mounts.ts';
import type { CheckedConfig } from './rules/rules.ts';
import { OCI_VERSION } from './version.ts';

/** What the default config depends on: whether the host has only cgroup v2, at /sys/fs/cgroup. */
export type DefaultHost = { readonly unifiedCgroups: boolean };

/** The effective ids of who will run a rootless container. */
export type RootlessHost = DefaultHost & { readonly uid: number; readonly gid: number };

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

/**
 * The config that `spec` writes. It has the content of runc 1.5's, and its members in the same order, so that the file
 * is the same when it is printed with tabs. Only the hostname differs: it is the runtime's own name. runc before 1.2
 * gave the ambient capabilities, too.
 */
export function defaultConfig({ unifiedCgroups }: DefaultHost): CheckedConfig {
  return {
    ociVersion: OCI_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: [...CAPABILITIES], effective: [...CAPABILITIES], permitted: [...CAPABILITIES] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'runchart',
    mounts: defaultMounts(),
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: [
        { type: 'pid' },
        { type: 'network' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'mount' },
        ...(unifiedCgroups ? [{ type: 'cgroup' as const }] : []),
      ],
      maskedPaths: [
        '/proc/acpi',
        '/proc/asound',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/sys/firmware',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** The config that `spec --rootless` writes: what a user without privileges can have, with root mapped to that user. */
export function rootlessConfig({ unifiedCgroups, uid, gid }: RootlessHost): CheckedConfig {
  const { linux = {}, mounts = [], ...config } = defaultConfig({ unifiedCgroups });
  const { namespaces = [], maskedPaths, readonlyPaths } = linux;
  return {
    ...config,
    mounts: mounts.map(withoutPrivileges),
    linux: {
      uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
      namespaces: [...namespaces.filter(({ type }) => type !== 'network'), { type: 'user' }],
      maskedPaths,
      readonlyPaths,
    },
  };
}

// Only the owner of a network namespace can mount sysfs. Of the groups, only the user's own is mapped.
function withoutPrivileges(mount: Mount): Mount {
  if (mount.destination === '/sys') {
    const options = ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'];
    return { destination: '/sys', type: 'none', source: '/sys', options };
  }
  if (!mount.options) return mount;
  return { ...mount, options: mount.options.filter((option) => !/^[gu]id=/.test(option)) };
}

function defaultMounts(): Mount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ];
}
