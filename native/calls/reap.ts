/** Children that end. */

import { ERRNO } from '../constants/errno.ts';
import { P, W } from '../constants/process.ts';
import { SIGNALS } from '../constants/signal.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Pid } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import { endingIn } from './ending.ts';
import { kill, SIGINFO_BYTES, waitid } from './process.ts';

/**
 * Ends a child that has nothing to do any more, and reaps it. A child that somebody else has reaped is fine. By SIGKILL:
 * one that hangs, or that a program of a container's has taken over, does not end with its connection.
 */
export function reapChild(parent: Kernel, pid: Pid): void {
  const info = out(SIGINFO_BYTES);
  // As long as it has not been reaped, nobody else has its pid.
  const result = attempt(parent, waitid(P.PID, pid, info, W.EXITED | W.NOHANG));
  if (result === -ERRNO.ECHILD || endingIn(info).pid !== 0) return;
  attempt(parent, kill(pid, SIGNALS.SIGKILL));
  while (attempt(parent, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)) === -ERRNO.EINTR);
}
