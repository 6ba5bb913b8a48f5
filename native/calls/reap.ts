/** Children that end. */

import { ERRNO } from '../constants/errno.ts';
import { P, W } from '../constants/process.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Pid } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import { SIGINFO_BYTES, waitid } from './process.ts';

/** Waits until a child has ended, and reaps it. A child that somebody else has reaped is fine. */
export function reapChild(parent: Kernel, pid: Pid): void {
  while (attempt(parent, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)) === -ERRNO.EINTR);
}
