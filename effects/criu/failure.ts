/** What CRIU says when something fails: its answer says little, its log says all. */

import { type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { EffectError } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';

/** CRIU has refused, or is gone. */
export class CriuError extends EffectError {
  /** The message without what CRIU's answer says of the reason, for the log says more. */
  readonly bare: string;

  constructor(bare: string, said = '', options?: ErrorOptions) {
    super(said === '' ? bare : `${bare}: ${said.trim()}`, options);
    this.bare = bare;
  }
}

/** The error for an answer that is no success, in runc's words. */
export function criuErrorOf({ type, errno = 0, message }: CriuResponse): CriuError {
  const name = Object.entries(REQUEST).find(([, number]) => number === type)?.[0] ?? String(type);
  return new CriuError(`criu failed: type ${name} errno ${errno}`, message);
}

const LOG_LIMIT = 64 << 20;

/**
 * @param log the path of CRIU's log
 * @returns an error of CRIU's with what its log says of the reason, and where the log is. Any other error is returned
 *   as    it was, and so is one of CRIU's where there is no log
 */
export function withLog(local: Kernel, error: unknown, log: string): unknown {
  if (!(error instanceof CriuError)) return error;
  let text: string;
  try {
    text = readSmallFile(local, log, LOG_LIMIT);
  } catch {
    return error;
  }
  const first = firstError(text);
  return new EffectError(`${first === undefined ? error.message : `${error.bare}: ${first}`} (log file: ${log})`, {
    cause: error,
  });
}

/**
 * The first error that a log tells of: `(criu/files-reg.c:1790): Can't lookup mount=27 …`, of a line that begins with
 * `(00.133418) Error`. undefined where there is none.
 */
export function firstError(log: string): string | undefined {
  const errors = log.split('\n').filter((line) => ERROR.test(line));
  const first = errors.find((line) => !HARMLESS.test(line)) ?? errors[0];
  return first?.replace(ERROR, '').trim();
}

/** CRIU's lines begin with the time. Those of its children, such as iptables-restore, do not. */
const ERROR = /^(?:\(\d+\.\d+\)\s+(?:\d+:\s+)?)?Error\s+(?=\()/;
/** CRIU goes on after this error: without CAP_SYS_RESOURCE it cannot raise its limit of open files. */
const HARMLESS = /rlimit: Can't setup RLIMIT_NOFILE/;
