/** What a command makes of the machine's answer: it goes on, or it fails with an error of one line. */

import type { Answer } from '../../machines/ask.ts';
import type { Request } from '../../machines/events.ts';
import { LostPeerError, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import type { Status } from '../../spec/types.ts';
import type { Context } from './context.ts';

/**
 * Comes before every error from the start of a container's first process on, and of an exec's. The words are runc's,
 * and engines know them.
 */
export const STARTING_PROCESS = 'unable to start container process';

/** The container's state does not permit the request. Nothing has been done. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly request: Request['type'];
  /** undefined where there is no container, or none any more. */
  readonly status: Status | undefined;

  constructor({ message, request, status }: Extract<Answer, { outcome: 'refused' }>) {
    super(message);
    this.request = request;
    this.status = status;
  }
}

/** A request failed. Its cause is the effect's error. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The machine's phase that failed first: `mounts`, `start`, `kill`. */
  readonly phase: string;

  constructor(message: string, phase: string, cause: unknown) {
    super(message, { cause });
    this.phase = phase;
  }
}

/** @throws RefusedError; RequestError of the first failure, with what the cleaning up after it failed in */
export function succeed({ warn }: Pick<Context, 'warn'>, answer: Answer): void {
  if (answer.outcome === 'refused') throw new RefusedError(answer);
  for (const { during, error } of answer.warnings) warn(`${during}: ${messageOf(error)}`);
  if (answer.outcome === 'done') return;
  const [first, ...others] = answer.failures;
  // The error of a lost init does not say what was tried: the effect was in the middle of it. The name of the phase
  // does.
  const lost = first.error instanceof LostPeerError || first.error instanceof MalformedAnswerError;
  const message = [lost ? told(first) : messageOf(first.error), ...others.map(told)].join('; then ');
  throw new RequestError(message, first.during, first.error);
}

const told = ({ during, error }: { readonly during: string; readonly error: unknown }): string =>
  `${during}: ${messageOf(error)}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
