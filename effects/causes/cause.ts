/**
 * Why something failed, beyond its errno. A cause is looked up once something has failed, and never before: what
 * succeeds costs nothing more.
 */

import { SyscallError } from '../../native/kernel/perform.ts';
import { EffectError } from '../error.ts';

export interface Cause {
  /** A clause that can stand in brackets behind the error: `its interpreter /lib/ld.so is not in the container`. */
  readonly why: string;
  /** What to do about it, as a sentence without its full stop: `Install that interpreter in the image`. */
  readonly advice: string;
  /** The file that it is about, where the failed call names another one or none. */
  readonly path?: string;
  /** The error's own words say why, and need no more of it. */
  readonly isSaid?: true;
}

/** An error whose cause was found. It has the words of that error: whoever prints it adds the cause. */
export class ExplainedError extends EffectError {
  readonly found: Cause;

  constructor(error: Error, found: Cause) {
    super(error.message, { cause: error });
    this.found = found;
  }
}

/** The system call that is at the bottom of an error; undefined where none is. */
export function failedCall(error: unknown): SyscallError | undefined {
  for (let one = error, depth = 0; one instanceof Error && depth < DEEPEST; one = one.cause, depth++)
    if (one instanceof SyscallError) return one;
  return undefined;
}

/** The cause that was found for an error; undefined where none was. */
export function causeOf(error: unknown): Cause | undefined {
  for (let one = error, depth = 0; one instanceof Error && depth < DEEPEST; one = one.cause, depth++)
    if (one instanceof ExplainedError) return one.found;
  return undefined;
}

/** Errors are caused by others a few times at most. */
const DEEPEST = 20;
