/** What CRIU says when something fails: little by its answer, all in its log. */

import { type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel.ts';
import { EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../proc.ts';

/** CRIU has refused. */
export class CriuError extends EffectError {
  /** Without what CRIU says of the reason: its log says more. */
  readonly bare: string;

  /** In runc's words. */
  constructor({ type, errno = 0, message = '' }: CriuResponse) {
    const name = Object.entries(REQUEST).find(([, number]) => number === type)?.[0] ?? String(type);
    const bare = `criu failed: type ${name} errno ${errno}`;
    super(message === '' ? bare : `${bare}: ${message.trim()}`);
    this.bare = bare;
  }
}

const LOG_LIMIT = 64 << 20;

/** The error with what the log says of it, and where that is; as it was where CRIU has not come to write one. */
export function withLog(local: Kernel, error: unknown, log: string): EffectError {
  let text: string;
  try {
    text = readSmallFile(local, log, LOG_LIMIT);
  } catch {
    return error instanceof EffectError ? error : new EffectError(reasonOf(error), { cause: error });
  }
  const first = firstError(text);
  const said = first === undefined || !(error instanceof CriuError) ? reasonOf(error) : `${error.bare}: ${first}`;
  return new EffectError(`${said} (log file: ${log})`, { cause: error });
}

/** `(00.133418) Error (criu/files-reg.c:1790): Can't lookup mount=27 …`, without the time; undefined where there is none. */
export function firstError(log: string): string | undefined {
  const errors = log.split('\n').filter((line) => ERROR.test(line));
  const first = errors.find((line) => !HARMLESS.test(line)) ?? errors[0];
  return first?.replace(ERROR, '').trim();
}

const ERROR = /^\(\d+\.\d+\)\s+(?:\d+:\s+)?Error\s+/;
/** It goes on after it: without CAP_SYS_RESOURCE it can't have more open files than it has. */
const HARMLESS = /rlimit: Can't setup RLIMIT_NOFILE/;
