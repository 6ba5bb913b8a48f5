/** Errors of effects: one line that says what was tried, on what, and why it failed. */

import { SyscallError } from '../native/kernel/perform.ts';

/** An effect that failed. `message` is complete; the failed system call, if there was one, is the cause. */
export class EffectError extends Error {
  override readonly name = 'EffectError';
}

/** The reason of an error, as one line. A failed call is told by its errno only: what was tried says more than its name. */
export function reasonOf(error: unknown): string {
  if (error instanceof SyscallError) return error.message.slice(error.call.name.length + 2);
  return error instanceof Error ? error.message : String(error);
}

/** Runs `action`; what it throws is prefixed with what was being done. */
export function doing<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new EffectError(`${what}: ${reasonOf(error)}`, { cause: error });
  }
}
