/** What CRIU says when something fails: little by its answer, all in its log. */

import { type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { EffectError } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';

/** CRIU has refused, or is gone. */
export class CriuError extends EffectError {
  /** Without what CRIU says of the reason: its log says more. */
  readonly bare: string;

  constructor(bare: string, said = '', options?: ErrorOptions) {
    super(said === '' ? bare : `${bare}: ${said.trim()}`, options);
    this.bare = bare;
  }
}

/** In runc's words. */
export function refusal({ type, errno = 0, message }: CriuResponse): CriuError {
  const name = Object.entries(REQUEST).find(([, number]) => number === type)?.[0] ?? String(type);
  return new CriuError(`criu failed: type ${name} errno ${errno}`, message);
}

const LOG_LIMIT = 64 << 20;

/** An error of CRIU's with what its log says of it, and where that is; any other, and where there is no log, as it was. */
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

/** `(00.133418) Error (criu/files-reg.c:1790): Can't lookup mount=27 …`, without the time; undefined where there is none. */
export function firstError(log: string): string | undefined {
  const errors = log.split('\n').filter((line) => ERROR.test(line));
  const first = errors.find((line) => !HARMLESS.test(line)) ?? errors[0];
  return first?.replace(ERROR, '').trim();
}

/** What CRIU's children say, iptables-restore say, has no time before it. */
const ERROR = /^(?:\(\d+\.\d+\)\s+(?:\d+:\s+)?)?Error\s+(?=\()/;
/** It goes on after it: without CAP_SYS_RESOURCE it can't have more open files than it has. */
const HARMLESS = /rlimit: Can't setup RLIMIT_NOFILE/;
