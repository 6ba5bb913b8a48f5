/** Tells those who asked for it which process a container's is. */

import { writePidFile } from '../../effects/handover/pid-file.ts';
import { sendPidfd } from '../../effects/handover/sockets.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';

interface Announcement {
  /** Absolute. */
  readonly pidFile?: string | undefined;
  /** Connected: `Inheritance.pidfdSocket`. */
  readonly pidfdSocket?: number | undefined;
}

/**
 * To be called once a container has been created, before it is started: what fails here has not run yet.
 * @param kind `standard` for a container's first process, `setns` for one of `exec`
 * @throws EffectError
 */
export function announce(
  local: Kernel,
  pid: number,
  { pidFile, pidfdSocket }: Announcement,
  kind: 'standard' | 'setns' = 'standard',
): void {
  if (pidfdSocket !== undefined) sendPidfd(local, pidfdSocket, pid, kind);
  if (pidFile !== undefined) writePidFile(local, pidFile, pid);
}
