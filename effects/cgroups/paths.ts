/** Where a container's cgroup lives: decided from config.json and the host's layout alone, before anything is made. */

import { cleanInside } from '../../spec/paths.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError } from './files.ts';
import type { CgroupLayout } from './layout.ts';
import { planSystemdCgroup } from './systemd/unit.ts';

/** The v1 controllers that a container joins, where the host has them; the same ones as runc's. */
const V1_CONTROLLERS: readonly string[] = [
  'cpuset',
  'devices',
  'memory',
  'cpu',
  'cpuacct',
  'pids',
  'blkio',
  'hugetlb',
  'net_cls',
  'net_prio',
  'perf_event',
  'freezer',
  'rdma',
  'name=systemd',
  'misc',
];

export interface CgroupPlanInput {
  /** linux.cgroupsPath of config.json. */
  readonly cgroupsPath?: string | undefined;
  /** The container's id: the cgroup's name where config.json gives none. */
  readonly id: string;
  readonly layout: CgroupLayout;
  /** `--systemd-cgroup`: systemd makes the cgroup, and `cgroupsPath` is `slice:prefix:name`. */
  readonly systemd?: boolean;
  readonly rootless?: boolean;
  /** Rootless with systemd: the ControlGroup that the user's manager tells. Guessed from this process's own, where absent. */
  readonly managerCgroup?: string;
}

/**
 * The cgroup that a container gets. An absolute path starts at the hierarchy's root; a relative one at this
 * process's own cgroup on v1, and beside it on v2, where a cgroup with processes cannot have children with controllers.
 * @throws CgroupError
 */
export function planCgroup(input: CgroupPlanInput): CgroupRecord {
  const { layout } = input;
  if (input.systemd) return planSystemdCgroup(input, V1_CONTROLLERS);
  const inner = cleanPath(input.cgroupsPath ?? '') || cleanPath(input.id);
  if (inner === '/' || inner === '')
    throw new CgroupError(
      `cgroupsPath ${JSON.stringify(input.cgroupsPath)} is the root of the hierarchy: name a cgroup`,
      '',
      0,
    );

  const absolute = inner.startsWith('/');
  const paths: Record<string, string> = {};
  for (const { controllers, mountpoint, own } of layout.hierarchies) {
    const directory = absolute ? mountpoint + inner : `${own}/${inner}`;
    for (const controller of controllers) if (V1_CONTROLLERS.includes(controller)) paths[controller] = directory;
  }
  if (layout.mode !== 'v2' && paths.devices === undefined)
    throw new CgroupError('mountpoint for devices not found', '', 0);
  if (layout.unified) {
    const { mountpoint, own } = layout.unified;
    const base = layout.mode === 'v2' && own !== mountpoint ? own.slice(0, own.lastIndexOf('/')) : own;
    paths.unified = absolute ? mountpoint + inner : `${base}/${inner}`;
  }
  return { layout: layout.mode, driver: 'fs', paths };
}

/** A path without `.`, `..` and empty parts, which cannot lead above where it starts. A relative one stays relative. */
export const cleanPath = (path: string): string =>
  path.startsWith('/') ? cleanInside(path) : cleanInside(path).slice(1);

/** The directories of a cgroup, each once: controllers that are mounted together share theirs. */
export const directoriesOf = (record: CgroupRecord): readonly string[] => [...new Set(Object.values(record.paths))];

/** The v1 directories of a cgroup, each once. */
export const legacyDirectoriesOf = (record: CgroupRecord): readonly string[] => [
  ...new Set(Object.entries(record.paths).flatMap(([key, path]) => (key === 'unified' ? [] : [path]))),
];

/** The one directory whose processes are taken for the container's. */
export const memberDirectory = ({ layout, paths }: CgroupRecord): string | undefined =>
  layout === 'v2' ? paths.unified : (paths.devices ?? paths.pids ?? Object.values(paths)[0]);
