/** Stops all processes of a container. */

import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord, InitRecord } from '../../spec/record.ts';
import { freeze, thaw } from '../cgroups/freeze.ts';
import { NotRunningError } from '../error.ts';
import { findStat } from '../paths/proc.ts';

const KILL_BIT = 1 << (SIGNALS.SIGKILL - 1);

/**
 * Freezes the container's cgroup. On cgroup v1 a frozen process does not die of SIGKILL. Whoever sent one just before
 * the freeze found the container not frozen, and believes the process dead. So an init that was killed before it stood
 * still is thawed again, to die.
 * @throws EffectError `container not running` where the init is gone, or about to be
 * @throws CgroupError, SyscallError; the container runs on then
 */
export function pauseContainer(local: Kernel, cgroup: CgroupRecord, init: InitRecord | undefined): void {
  freeze(local, cgroup);
  if (cgroup.layout === 'v2' || init === undefined) return;
  let lives = false;
  try {
    const stat = findStat(local, init.pid);
    // An init that was dying when the freeze came has taken its SIGKILL already, and none is pending: it is a zombie.
    const isDead = stat?.state === 'Z' || stat?.state === 'X';
    lives = stat?.startTime === init.startTime && !isDead && (stat.pending & KILL_BIT) === 0;
  } finally {
    if (!lives) thaw(local, cgroup);
  }
  if (!lives) throw new NotRunningError();
}
