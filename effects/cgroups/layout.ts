/** Finds which cgroup hierarchies this host has, where they are mounted, and where in them this process is. */

import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { unescaped } from '../paths/proc.ts';
import { CgroupError } from './error.ts';
import { type PlannedRead, planRead, readText, textOf } from './files.ts';

/** A v1 hierarchy. */
export interface Hierarchy {
  /** Their names as in /proc/self/cgroup: `['cpu', 'cpuacct']`, or `['name=systemd']`. */
  readonly controllers: readonly string[];
  readonly mountpoint: string;
  /** The directory of this process's own cgroup, below the mount point. */
  readonly own: string;
}

export interface CgroupLayout {
  /** `hybrid` is v1 with a v2 hierarchy beside it, which has no controllers. */
  readonly mode: 'v1' | 'hybrid' | 'v2';
  readonly hierarchies: readonly Hierarchy[];
  readonly unified?: { readonly mountpoint: string; readonly own: string };
}

export const CGROUP_ROOT = '/sys/fs/cgroup';
const HYBRID_MOUNTPOINT = '/sys/fs/cgroup/unified';

interface DetectOptions {
  /**
   * Does not look for this process's own cgroups, which nobody needs if the container's path is absolute. The mount
   * points stand for them. A read of /proc/self/cgroup waits while anybody changes any cgroup of the host, for
   * milliseconds at times.
   */
  readonly withoutOwn?: boolean;
}

/** @throws CgroupError where no cgroup hierarchy is mounted */
export function detectLayout(kernel: Kernel, { withoutOwn = false }: DetectOptions = {}): CgroupLayout {
  const batch = new Batch();
  const mountinfo = planRead(batch, '/proc/self/mountinfo', 4);
  const membership = withoutOwn ? undefined : planRead(batch, '/proc/self/cgroup', 1);
  const { results } = kernel.submit(batch.calls);
  const text = (file: PlannedRead, pages: number): string => {
    const found = textOf(file, results);
    return typeof found === 'string' ? found : readText(kernel, file.path, pages);
  };
  return layoutOf(text(mountinfo, 64), membership ? text(membership, 16) : '');
}

/** All v1 controllers that Linux has or had. The other mount options of a hierarchy say how it is mounted. */
const CONTROLLERS: readonly string[] = [
  ...['cpuset', 'cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'net_cls', 'perf_event', 'net_prio'],
  ...['hugetlb', 'pids', 'rdma', 'misc', 'debug'],
];
const isController = (option: string): boolean => CONTROLLERS.includes(option) || option.startsWith('name=');

/**
 * The layout of a host. Pure.
 * @param mountinfo the text of /proc/self/mountinfo, proc_pid_mountinfo(5)
 * @param membership the text of /proc/self/cgroup, cgroups(7)
 * @throws CgroupError where no cgroup hierarchy is mounted
 */
export function layoutOf(mountinfo: string, membership: string): CgroupLayout {
  const mounts = visibleCgroupMounts(parseMountinfo(mountinfo));
  const own = parseMembership(membership);
  const whole = mounts.find(({ mountpoint, type }) => mountpoint === CGROUP_ROOT && type === 'cgroup2');
  if (whole) return { mode: 'v2', hierarchies: [], unified: locate(whole, own.get('') ?? '/') };

  const hierarchies: Hierarchy[] = [];
  const seen = new Set<string>();
  // A hierarchy may be mounted more than once. The mount below /sys/fs/cgroup, where everyone looks, comes first.
  const inOrder = [...mounts.filter(isBelowRoot), ...mounts.filter((mount) => !isBelowRoot(mount))];
  for (const mount of inOrder) {
    if (mount.type !== 'cgroup') continue;
    const controllers = mount.options.split(',').filter((option) => isController(option) && !seen.has(option));
    const [first] = controllers;
    if (first === undefined) continue;
    for (const controller of controllers) seen.add(controller);
    hierarchies.push({ controllers, ...locate(mount, own.get(first) ?? '/') });
  }
  const beside = mounts.find(({ mountpoint, type }) => mountpoint === HYBRID_MOUNTPOINT && type === 'cgroup2');
  if (hierarchies.length === 0) throw new CgroupError(`no cgroup hierarchy is mounted below ${CGROUP_ROOT}`);
  return beside
    ? { mode: 'hybrid', hierarchies, unified: locate(beside, own.get('') ?? '/') }
    : { mode: 'v1', hierarchies };
}

/** The directory of a cgroup below a mount. Inside a container the mount's root is not the root of the hierarchy. */
function locate({ mountpoint, root }: Mount, cgroup: string): { mountpoint: string; own: string } {
  const relative =
    root === '/' ? cgroup : cgroup === root ? '/' : cgroup.startsWith(`${root}/`) ? cgroup.slice(root.length) : '/';
  // A process that is not below the root of its cgroup namespace sees its own cgroup as /../…
  const outside = relative.split('/').includes('..');
  return { mountpoint, own: outside || relative === '/' ? mountpoint : mountpoint + relative };
}

interface Mount {
  readonly id: string;
  readonly parent: string;
  readonly root: string;
  readonly mountpoint: string;
  readonly type: string;
  /** Of the file system, separated by commas. */
  readonly options: string;
}

const isBelowRoot = ({ mountpoint }: Mount): boolean => mountpoint.startsWith(`${CGROUP_ROOT}/`);

function parseMountinfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // Only these can be or cover a cgroup mount. A host may have thousands of others.
    if (!line.includes(' /sys') && !line.includes(' - cgroup')) continue;
    const [before = '', after = ''] = line.split(' - ', 2);
    const [id = '', parent = '', , root = '', mountpoint = ''] = before.split(' ', 5);
    const [type = '', , options = ''] = after.split(' ', 3);
    mounts.push({ id, parent, root: unescaped(root), mountpoint: unescaped(mountpoint), type, options });
  }
  return mounts;
}

/** The cgroup mounts that a path still reaches, since no later mount covers them or a directory above them. */
function visibleCgroupMounts(mounts: readonly Mount[]): readonly Mount[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const covered = (mount: Mount): boolean =>
    mounts.some(({ parent, mountpoint }) => parent === mount.id && mountpoint === mount.mountpoint);
  const hidden = (mount: Mount): boolean => {
    const parent = byId.get(mount.parent);
    return (
      mounts.some(
        (sibling) =>
          sibling !== mount && sibling.parent === mount.parent && mount.mountpoint.startsWith(`${sibling.mountpoint}/`),
      ) ||
      (parent !== undefined && parent !== mount && hidden(parent))
    );
  };
  return mounts.filter((mount) => mount.type.startsWith('cgroup') && !covered(mount) && !hidden(mount));
}

/** The path of this process's cgroup for each controller. The key of the v2 hierarchy is the empty string. */
function parseMembership(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    for (const controller of line.slice(first + 1, second).split(',')) paths.set(controller, line.slice(second + 1));
  }
  return paths;
}
