/** Finds out why something failed, by what failed. */

import { ProgramError } from '../process/program.ts';
import { type Cause, causeOf, ExplainedError } from './cause.ts';
import { whyNotExecuted } from './program.ts';
import type { Scene } from './scene.ts';

/**
 * @returns the error with its cause; the error itself where nothing more is known. Whatever goes wrong here, the error
 * comes out
 */
export function explained(scene: Scene, error: unknown): unknown {
  if (!(error instanceof Error) || causeOf(error) !== undefined) return error;
  try {
    const found = findCause(scene, error);
    return found === undefined ? error : new ExplainedError(error, found);
  } catch {
    return error;
  }
}

function findCause(scene: Scene, error: Error): Cause | undefined {
  for (const one of chainOf(error)) {
    if (one instanceof ProgramError) return whyNotExecuted(scene, one);
  }
  return undefined;
}

/** The error, what caused it, and so on: the first says most about what was tried. */
function* chainOf(error: Error): Generator<Error> {
  for (let one: unknown = error; one instanceof Error; one = one.cause) yield one;
}
