/**
 * Decides where a container's cgroup is to be, from config.json and the host's layout alone, before anything is made.
 */

import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError } from './error.ts';
import { type CgroupPlanInput, cleanPath } from './paths.ts';
import { planSystemdCgroup } from './systemd/unit.ts';

/** The v1 controllers that a container joins where the host has them: the same as runc's. */
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

/**
 * The cgroup that a container gets. An absolute path starts at the hierarchy's root. On v1 a relative path starts at
 * this process's own cgroup. On v2 it starts beside that one, since a cgroup with processes has no children with
 * controllers.
 * @throws CgroupError
 */
export function planCgroup(input: CgroupPlanInput): CgroupRecord {
  const { layout } = input;
  if (input.systemd) return planSystemdCgroup(input, V1_CONTROLLERS);
  const inner = cleanPath(input.cgroupsPath ?? '') || cleanPath(input.id);
  if (inner === '/' || inner === '')
    throw new CgroupError(
      `cgroupsPath ${JSON.stringify(input.cgroupsPath)} is the root of the hierarchy: name a cgroup`,
    );

  const absolute = inner.startsWith('/');
  const paths: Record<string, string> = {};
  for (const { controllers, mountpoint, own } of layout.hierarchies) {
    const directory = absolute ? mountpoint + inner : `${own}/${inner}`;
    for (const controller of controllers) if (V1_CONTROLLERS.includes(controller)) paths[controller] = directory;
  }
  if (layout.mode !== 'v2' && paths.devices === undefined) throw new CgroupError('mountpoint for devices not found');
  if (layout.unified) {
    const { mountpoint, own } = layout.unified;
    const base = layout.mode === 'v2' && own !== mountpoint ? own.slice(0, own.lastIndexOf('/')) : own;
    paths.unified = absolute ? mountpoint + inner : `${base}/${inner}`;
  }
  return { layout: layout.mode, driver: 'fs', paths };
}
