/** Errors of effects: one line that says what was tried, on what, and why it failed. */

import { SyscallError } from '../native/kernel/perform.ts';

/** An effect that failed. `message` is the whole line. Where a system call failed, that is the cause. */
export class EffectError extends Error {
  override readonly name = 'EffectError';
}

/**
 * The reason of an error, as one line. Of a failed call this is the errno alone, `ENOENT: no such file or directory`:
 * the words before it say what was tried, and better than the call's name does.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof SyscallError) return error.message.slice(error.call.name.length + 2);
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs `action`.
 * @throws EffectError for what `action` throws: `what`, a colon, and the reason
 */
export function doing<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new EffectError(`${what}: ${reasonOf(error)}`, { cause: error });
  }
}
