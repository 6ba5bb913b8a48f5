/** Ends the cgroup of a container, whoever made it (by-driver.ts). */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { removeCgroup } from './remove.ts';
import { type Connect, withSystemd } from './systemd/with-systemd.ts';

/** Removes a cgroup without processes. It is fine if it is gone. @throws CgroupError, BusError */
export async function endCgroup(local: Kernel, record: CgroupRecord, connect: Connect): Promise<void> {
  // Without a running systemd there is no unit, but directories may be left.
  if (record.driver === 'fs' || !(await import('./systemd/connect.ts')).isSystemdRunning(local))
    return removeCgroup(local, record);
  const { stopScope } = await import('./systemd/scope.ts');
  await withSystemd(connect, (systemd) => stopScope(systemd, local, record));
}
