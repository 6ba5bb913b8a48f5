/** The cgroup that a container is in where some of it could not be made. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { detectLayout } from './layout.ts';

/**
 * Who is not root seldom may make a cgroup in every v1 hierarchy: in the others the container stays in that of the runtime,
 * which is what a `cgroup` mount of its shows then, as with runc.
 * @returns the container's cgroup, with the runtime's own paths where it has none
 * @throws CgroupError where no cgroup hierarchy is mounted
 */
export function enteredCgroup(local: Kernel, { cgroup, options }: ContainerRecord): CgroupRecord | undefined {
  if (cgroup === undefined || cgroup.layout === 'v2' || options.rootlessCgroups !== true) return cgroup;
  const { hierarchies } = detectLayout(local);
  const inherited = hierarchies.flatMap(({ controllers, own }) => controllers.map((name) => [name, own] as const));
  return { ...cgroup, paths: { ...Object.fromEntries(inherited), ...cgroup.paths } };
}
