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
 * SIGKILL to a child, as long as nobody has reaped it: until then nobody else has its pid.
 * @returns whether it is there, for somebody to reap
 */
export function killChild(parent: Kernel, pid: Pid): boolean {
  const info = out(SIGINFO_BYTES);
  const result = attempt(parent, waitid(P.PID, pid, info, W.EXITED | W.NOHANG));
  if (result === -ERRNO.ECHILD || endingIn(info).pid !== 0) return false;
  attempt(parent, kill(pid, SIGNALS.SIGKILL));
  return true;
}

/**
 * Ends a child that has nothing to do any more, and reaps it. A child that somebody else has reaped is fine. SIGKILL ends
 * it: a child that hangs, or that a container's program has taken over, does not end with its connection.
 */
export function reapChild(parent: Kernel, pid: Pid): void {
  if (killChild(parent, pid)) awaitEnd(parent, pid);
}

/** Waits until a child has ended, and reaps it. */
export function awaitEnd(parent: Kernel, pid: Pid): void {
  while (attempt(parent, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)) === -ERRNO.EINTR);
}
