/** Tells those who asked for it which process is a container's. */

import { writePidFile } from '../../effects/handover/pid-file.ts';
import { sendPidfd } from '../../effects/handover/sockets.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';

interface Announcement {
  /** Absolute. */
  readonly pidFile?: string | undefined;
  /** Connected: `Inheritance.pidfdSocket`. */
  readonly pidfdSocket?: Fd | undefined;
}

/**
 * To be called once a container has been created, and before it is started: if this fails, nothing has run yet.
 * @param kind `standard` for a container's first process, `setns` for one of `exec`
 * @throws EffectError
 */
export function announce(
  local: Kernel,
  pid: Pid,
  { pidFile, pidfdSocket }: Announcement,
  kind: 'standard' | 'setns' = 'standard',
): void {
  if (pidfdSocket !== undefined) sendPidfd(local, pidfdSocket, pid, kind);
  if (pidFile !== undefined) writePidFile(local, pidFile, pid);
}
