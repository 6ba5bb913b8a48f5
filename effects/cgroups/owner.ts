/** Whose a container's cgroup becomes, so that the container can make cgroups of its own (cgroups(7), "Delegation"). */

import type { Kernel } from '../../native/kernel/kernel.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { hostId, inUserNamespace, mappingsOf } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';
import { delegateCgroup } from './systemd/delegate.ts';

/**
 * As runc decides: only where the container sees its own cgroup as the root, and may write to it. It goes to the process's
 * user, which need not be root.
 */
function mayOwnCgroup(config: Config): boolean {
  const mounted = (config.mounts ?? []).some(
    ({ source, destination, options = [] }) =>
      source === 'cgroup' && cleanInside(destination) === '/sys/fs/cgroup' && !options.includes('ro'),
  );
  return mounted && makesNamespace(config, 'cgroup');
}

/** On cgroup v2 alone: v1's files don't keep a container in its bounds. @throws CgroupError */
export function giveCgroup(local: Kernel, record: ContainerRecord, pid: number): void {
  const { config, cgroup, owner } = record;
  if (cgroup?.layout !== 'v2' || cgroup.paths.unified === undefined || !mayOwnCgroup(config)) return;
  const uid = config.process?.user?.uid ?? 0;
  const outside = inUserNamespace(config) ? hostId(mappings(local, config, pid).uid, uid) : uid;
  if (outside !== undefined && outside !== owner) delegateCgroup(local, cgroup.paths.unified, outside);
}

const mappings = (local: Kernel, config: Config, pid: number) =>
  makesNamespace(config, 'user') ? mappingsOf(config) : readMappings(local, pid);
