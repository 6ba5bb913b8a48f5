/** Decides who owns a container's cgroup. Its owner can make cgroups below it: cgroups(7), "Delegation". */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { hostId, inUserNamespace, mappingsOf } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';
import { delegateCgroup } from './systemd/delegate.ts';

/**
 * Whether the container may own its cgroup, decided as runc does: only if it sees its cgroup as the root of the
 * hierarchy, and may write to it.
 */
function mayOwnCgroup(config: Config): boolean {
  const mounted = (config.mounts ?? []).some(
    ({ source, destination, options = [] }) =>
      source === 'cgroup' && cleanInside(destination) === '/sys/fs/cgroup' && !options.includes('ro'),
  );
  return mounted && makesNamespace(config, 'cgroup');
}

/**
 * Gives the cgroup to the user of the container's process, who need not be root. It does so on cgroup v2 alone: on v1,
 * whoever owns the cgroup's files can change its limits.
 * @param pid the container's init, as this process sees it
 * @throws CgroupError
 */
export function giveCgroup(local: Kernel, record: ContainerRecord, pid: Pid): void {
  const { config, cgroup, owner } = record;
  if (cgroup?.layout !== 'v2' || cgroup.paths.unified === undefined || !mayOwnCgroup(config)) return;
  const uid = config.process?.user?.uid ?? 0;
  const outside = inUserNamespace(config) ? hostId(mappings(local, config, pid).uid, uid) : uid;
  if (outside !== undefined && outside !== owner) delegateCgroup(local, cgroup.paths.unified, outside);
}

const mappings = (local: Kernel, config: Config, pid: Pid) =>
  makesNamespace(config, 'user') ? mappingsOf(config) : readMappings(local, pid);
