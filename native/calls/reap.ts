/** Children of the performer, and their end. */

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
 * Sends SIGKILL to a child, unless somebody has reaped it: only until then does its pid belong to it for sure.
 * @returns whether the child is still to be reaped
 */
export function killChild(parent: Kernel, pid: Pid): boolean {
  const info = out(SIGINFO_BYTES);
  const result = attempt(parent, waitid(P.PID, pid, info, W.EXITED | W.NOHANG));
  if (result === -ERRNO.ECHILD || endingIn(info).pid !== 0) return false;
  attempt(parent, kill(pid, SIGNALS.SIGKILL));
  return true;
}

/**
 * Ends a child that has nothing to do any more, and reaps it. Somebody else may have reaped it already. SIGKILL ends
 * it, since a child that hangs, or that a container's program has taken over, does not end with its connection.
 */
export function reapChild(parent: Kernel, pid: Pid): void {
  if (killChild(parent, pid)) awaitEnd(parent, pid);
}

/**
 * Whether a child has ended. It is not reaped. A child that is not there, or that somebody has reaped, has ended too.
 */
export function hasChildEnded(parent: Kernel, pid: Pid): boolean {
  const info = out(SIGINFO_BYTES);
  const result = attempt(parent, waitid(P.PID, pid, info, W.EXITED | W.NOHANG | W.NOWAIT));
  return result < 0 || endingIn(info).pid !== 0;
}

/** Waits until a child has ended, and reaps it. */
export function awaitEnd(parent: Kernel, pid: Pid): void {
  while (attempt(parent, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)) === -ERRNO.EINTR);
}
