/** Errors of effects: one line that says what was tried, on what, and why it failed. */

import type { SyscallName } from '../native/kernel/kernel.ts';
import { SyscallError } from '../native/kernel/perform.ts';

/** What a program may want to know of a failure. `factsOf` (runtime/failure/) reads it, and looks at the causes too. */
export interface FailureAbout {
  /** What it was tried on, as the container sees it where it is the container's: `/proc`, `/sys/fs/cgroup/a`. */
  readonly path?: string | undefined;
  /** The system call that failed, where no cause says so. */
  readonly syscall?: SyscallName | undefined;
  /** Positive, as in errno(3). */
  readonly errno?: number | undefined;
  /** The step of `exec` that failed. A lifecycle's phases are told by the machine. */
  readonly phase?: string | undefined;
}

/** An effect that failed. `message` is the whole line. Where a system call failed, that is the cause. */
export class EffectError extends Error {
  override readonly name = 'EffectError';
  readonly about: FailureAbout;

  constructor(message: string, { about = {}, ...options }: ErrorOptions & { readonly about?: FailureAbout } = {}) {
    super(message, options);
    this.about = about;
  }
}

/** The container's init has ended, though a moment ago it was there. The words are runc's. */
export class NotRunningError extends EffectError {
  constructor() {
    super('container not running');
  }
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
export function doing<T>(what: string, action: () => T, about: FailureAbout = {}): T {
  try {
    return action();
  } catch (error) {
    throw new EffectError(`${what}: ${reasonOf(error)}`, { cause: error, about });
  }
}

/** The same for an action that takes its time. */
export async function doingSlowly<T>(what: string, action: () => Promise<T>, about: FailureAbout = {}): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new EffectError(`${what}: ${reasonOf(error)}`, { cause: error, about });
  }
}
