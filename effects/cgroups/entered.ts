/** The cgroup that a container is in where the runtime could not make all of it. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { detectLayout } from './layout.ts';

/**
 * A user who is not root may seldom make a cgroup in every v1 hierarchy. In the others the container stays in the
 * runtime's own cgroup, and a `cgroup` mount of the container shows that one, as with runc.
 * @returns the container's cgroup, with the runtime's own paths where it has none
 * @throws CgroupError where no cgroup hierarchy is mounted
 */
export function enteredCgroup(local: Kernel, { cgroup, options }: ContainerRecord): CgroupRecord | undefined {
  if (cgroup === undefined || cgroup.layout === 'v2' || options.rootlessCgroups !== true) return cgroup;
  const { hierarchies } = detectLayout(local);
  const inherited = hierarchies.flatMap(({ controllers, own }) => controllers.map((name) => [name, own] as const));
  return { ...cgroup, paths: { ...Object.fromEntries(inherited), ...cgroup.paths } };
}
