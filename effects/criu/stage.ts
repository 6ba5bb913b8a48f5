/** A stage that does something for CRIU in namespaces of its own, or in those of the restored processes. */

import { close, closeRange } from '../../native/calls/files.ts';
import { reapChild } from '../../native/calls/reap.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import type { Session } from '../session.ts';

/**
 * Performs `action` in a stage, which is gone afterwards, however this ends.
 * @param extra descriptors that the stage has as 3, 4, …, after the standard ones
 * @throws SyscallError, and whatever `action` throws
 */
export function inStage<T>(
  { platform, inheritance }: Pick<Session, 'platform' | 'inheritance'>,
  extra: readonly Fd[],
  action: (kernel: Kernel) => T,
): T {
  const stage = platform.spawnStage([...inheritance.stdio, ...extra], 'stage');
  try {
    perform(stage.kernel, [closeRange(stage.socket + 1, 0x7fffffff)]);
    return action(stage.kernel);
  } finally {
    attempt(platform.local, close(stage.connection));
    reapChild(platform.local, stage.pid);
  }
}
