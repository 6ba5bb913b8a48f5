/** An operation done as often as it makes system calls: the nth of them fails the nth time. */

import assert from 'node:assert/strict';
import { ERRNO, type ErrnoName, errnoText } from '../../../native/constants/errno.ts';
import type { Wrap } from '../../../native/platform.ts';
import { FaultPlan, faultKernel, type Struck } from '../../simulation/faults.ts';

const ERRNOS = ['EPERM', 'ENOMEM', 'EIO', 'ENOSPC', 'EINTR', 'ENOSYS'] as const satisfies readonly ErrnoName[];

/** umask(2): "This system call always succeeds"; so nobody looks at its result. The call after it is struck instead. */
const CANNOT_FAIL = 'umask';

export interface Trial {
  /** Names the failed call, for messages. */
  readonly what: string;
  readonly struck: Struck;
  readonly errno: ErrnoName;
  /** undefined where the failure was overcome. */
  readonly error: Error | undefined;
}

export interface Operation {
  /** Before each trial, with sound kernels. */
  prepare?(): Promise<unknown>;
  perform(wrap: Wrap): Promise<unknown>;
  /** After each, with sound kernels: what is wrong, in lines; it also removes what is left. */
  judge(trial: Trial): Promise<readonly string[]>;
}

/**
 * @param seed decides which call fails by which errno
 * @returns how many calls there are, and how many failures were overcome; throws an AssertionError with all that is wrong
 */
export async function everyCall(operation: Operation, seed: number): Promise<{ calls: number; overcome: number }> {
  const wrong: string[] = [];
  let overcome = 0;
  for (let n = 1; ; n++) {
    await operation.prepare?.();
    // Neighbours of a batch get different ones, and so does a call whose number moves.
    const errno = ERRNOS[(n + Math.floor(n / ERRNOS.length) + seed) % ERRNOS.length] ?? 'EIO';
    const plan: FaultPlan = new FaultPlan((m, { name }) =>
      m >= n && plan.struck.length === 0 && name !== CANNOT_FAIL ? errno : undefined,
    );
    const error = await operation
      .perform((kernel) => faultKernel(kernel, plan))
      .then(
        () => undefined,
        (reason: unknown) => (reason instanceof Error ? reason : new Error(`not an Error: ${String(reason)}`)),
      );
    const [struck] = plan.struck;
    if (struck === undefined) {
      if (error !== undefined) throw error;
      assert.equal(wrong.join('\n'), '', `with seed ${seed}`);
      return { calls: n - 1, overcome };
    }
    const what = `call ${n}, ${struck.call.name} of the ${struck.performer}, ${errno}`;
    if (error === undefined) overcome++;
    for (const line of await operation.judge({ what, struck, errno, error })) wrong.push(`${what}: ${line}`);
  }
}

/** Other reasons than the errno itself: a look that fails says that what was looked for is not there, or is not what it should be. */
const OTHER_REASONS =
  'executable file not found in \\$PATH|permission denied|is not the null device|EINVAL: invalid argument';

/** Whether an error is one line that says what was tried and why it failed. @returns what is wrong with it */
export function unclear({ error, errno, struck }: Trial): readonly string[] {
  if (error === undefined) return [];
  const { message } = error;
  const reason = `${errno}|${errnoText(ERRNO[errno])}${struck.call.mayFail ? `|${OTHER_REASONS}` : ''}`;
  const fine =
    /^[^\n]+$/.test(message) &&
    !/undefined|\[object|\bat .*:\d+:/.test(message) &&
    new RegExp(`(${reason})`).test(message) &&
    // More than the name of the call.
    !/^\w+: E[A-Z0-9]+: /.test(message);
  return fine ? [] : [`unclear: ${JSON.stringify(message)}`];
}
