/** What a command makes of the machine's answer: it goes on, or it fails with an error of one line. */

import type { Answer } from '../../machines/ask.ts';
import { LostPeerError, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import type { Context } from './context.ts';

/**
 * Comes before every error from the start of a container's first process on, and of an exec's. The words are runc's,
 * and engines know them.
 */
export const STARTING_PROCESS = 'unable to start container process';

/** The container's state does not permit the request. Nothing has been done. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** @throws RefusedError; or the first failure, followed by those of cleaning up after it */
export function succeed({ warn }: Pick<Context, 'warn'>, answer: Answer): void {
  if (answer.outcome === 'refused') throw new RefusedError(answer.message);
  for (const { during, error } of answer.warnings) warn(`${during}: ${messageOf(error)}`);
  if (answer.outcome === 'done') return;
  const [first, ...others] = answer.failures;
  // The error of a lost init does not say what was tried: the effect was in the middle of it. The name of the phase
  // does.
  const lost = first.error instanceof LostPeerError || first.error instanceof MalformedAnswerError;
  if (others.length === 0 && first.error instanceof Error && !lost) throw first.error;
  throw new Error([lost ? told(first) : messageOf(first.error), ...others.map(told)].join('; then '), {
    cause: first.error,
  });
}

const told = ({ during, error }: { readonly during: string; readonly error: unknown }): string =>
  `${during}: ${messageOf(error)}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
