/** The end of a container's cgroup, whoever made it: what by-driver.ts begins. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { removeCgroup } from './remove.ts';
import { type Connect, withSystemd } from './systemd/with-systemd.ts';

/** Removes an emptied cgroup; what is gone is fine. @throws CgroupError, BusError */
export async function endCgroup(local: Kernel, record: CgroupRecord, connect: Connect): Promise<void> {
  // Where systemd is not (any more), there is no unit of its; directories may be left.
  if (record.driver === 'fs' || !(await import('./systemd/connect.ts')).isSystemdRunning(local))
    return removeCgroup(local, record);
  const { stopScope } = await import('./systemd/scope.ts');
  await withSystemd(connect, (systemd) => stopScope(systemd, local, record));
}
