/** The machine's answers as a command takes them: done, or an error of one line. */

import type { Answer } from '../../machines/ask.ts';
import { LostPeerError, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import type { Context } from './context.ts';

/** What was being done, in runc's words, which engines know, when anything fails from a container's or an exec's first process on. */
export const STARTING_PROCESS = 'unable to start container process';

/** The state does not allow the request: nothing has been done. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** @throws RefusedError, or the first failure, with those of cleaning up after it appended */
export function succeed({ warn }: Pick<Context, 'warn'>, answer: Answer): void {
  if (answer.outcome === 'refused') throw new RefusedError(answer.message);
  for (const { during, error } of answer.warnings) warn(`${during}: ${messageOf(error)}`);
  if (answer.outcome === 'done') return;
  const [first, ...others] = answer.failures;
  // Only the phase tells what was tried: the effect was in the middle of it.
  const lost = first.error instanceof LostPeerError || first.error instanceof MalformedAnswerError;
  if (others.length === 0 && first.error instanceof Error && !lost) throw first.error;
  throw new Error([lost ? told(first) : messageOf(first.error), ...others.map(told)].join('; then '), {
    cause: first.error,
  });
}

const told = ({ during, error }: { readonly during: string; readonly error: unknown }): string =>
  `${during}: ${messageOf(error)}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
