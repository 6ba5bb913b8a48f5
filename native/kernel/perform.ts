/** Performs batches: they give their results, or an error that says which call failed and why. */

import { ERRNO, type ErrnoName, errnoName, errnoText } from '../constants/errno.ts';
import type { Call, Kernel, Outcome, Settle } from './kernel.ts';

/** A system call that failed. `message` is `openat2: ENOENT: no such file or directory`. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  /** Positive, as in errno(3). */
  readonly errno: number;
  readonly code: string;
  readonly call: Call;
  /** Its place in its batch. */
  readonly index: number;

  constructor(call: Call, errno: number, index = 0) {
    super(`${call.name}: ${errnoName(errno)}: ${errnoText(errno)}`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
    this.index = index;
  }
}

/** Performs a batch. @throws SyscallError for the call that stopped it */
export function perform(kernel: Kernel, calls: readonly Call[]): readonly number[] {
  const outcome = kernel.submit(calls);
  const failure = failureOf(calls, outcome);
  if (failure !== undefined) throw failure;
  return outcome.results;
}

/**
 * Performs a batch now or later, after all that this kernel was asked for before.
 * @param settle is told what became of it
 */
export function post(kernel: Kernel, calls: readonly Call[], settle: Settle): void {
  if (kernel.post === undefined) settle(kernel.submit(calls));
  else kernel.post(calls, settle);
}

/** Waits for what was posted. @throws LostPeerError, MalformedAnswerError, and what a `settle` throws */
export const flush = (kernel: Kernel): void => kernel.flush?.();

/** Performs one call and returns its result. @throws SyscallError */
export function call<Result extends number>(kernel: Kernel, one: Call<Result>): Result {
  const [value = 0] = perform(kernel, [one]);
  return value as Result;
}

/** Performs one call; a failure is returned as `-errno`. */
export function attempt(kernel: Kernel, one: Call): number {
  const [value = 0] = kernel.submit([one]).results;
  return value;
}

/**
 * What a call returned, after `attempt`.
 * @param value the result, `-errno` where the call failed
 * @throws SyscallError where it failed
 */
export function succeeded<Result extends number>(one: Call<Result>, value: number): Result {
  if (value < 0) throw new SyscallError(one, -value);
  return value as Result;
}

/** Whether an error is a failed system call with one of these reasons. */
export const isErrno = (error: unknown, ...names: readonly ErrnoName[]): error is SyscallError =>
  error instanceof SyscallError && names.some((name) => ERRNO[name] === error.errno);

/** Why a batch stopped, as an error of the call that stopped it; undefined if all of it was performed. */
export function failureOf(calls: readonly Call[], { results, stoppedAt }: Outcome): SyscallError | undefined {
  if (stoppedAt === undefined) return undefined;
  const failed = calls[stoppedAt];
  if (failed === undefined) throw new RangeError('a batch stopped beyond its end');
  return new SyscallError(failed, -(results[stoppedAt] ?? 0), stoppedAt);
}
