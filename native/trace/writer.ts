/**
 * Writes the calls that a recording kernel tells of, a line for each: readable, as strace shows them, or as JSON. Only
 * commands that trace load it.
 */

import { errnoName, errnoText } from '../constants/errno.ts';
import type { TraceEntry, TraceSink } from '../performers/recording.ts';
import { any } from './kinds.ts';
import { render, type Shown } from './shown.ts';
import { SIGNATURES } from './signatures.ts';

type TraceFormat = 'text' | 'json';

/**
 * The format that a trace file's name asks for: JSON lines where it ends in `.jsonl`, else readable lines.
 */
export const traceFormat = (file: string): TraceFormat => (file.endsWith('.jsonl') ? 'json' : 'text');

/**
 * Makes a sink. One for all kernels that take part numbers the batches in the order in which they were performed.
 * @param write takes whole lines: those of a batch at once
 */
export function traceWriter(format: TraceFormat, write: (lines: string) => void): TraceSink {
  let batch = 0;
  let lines = '';
  return (entry) => {
    if (entry.index === 0) batch++;
    lines += format === 'json' ? jsonLine(entry, batch) : textLine(entry);
    if (entry.index < entry.count - 1) return;
    write(lines);
    lines = '';
  };
}

const NAME_WIDTH = 7;

/**
 * `init    openat2(3, "proc", …) = 5`. The second and later calls of a batch have a `+` before their name. The last one
 * says how many seconds the batch took.
 */
export function textLine(entry: TraceEntry): string {
  const { performer, name, result, index, count, seconds } = entry;
  const mark = index === 0 ? ' ' : '+';
  const took = index === count - 1 ? ` <${seconds.toFixed(6)}>` : '';
  const args = shownArgs(entry).map(render).join(', ');
  return `${performer.padEnd(NAME_WIDTH)}${mark}${name}(${args}) = ${answer(result)}${took}\n`;
}

function answer(result: number | undefined): string {
  if (result === undefined) return '?';
  return isError(result) ? `-1 ${errnoName(-result)} (${errnoText(-result)})` : String(result);
}

/**
 * `{"who":"init","batch":3,"call":"openat2","args":[…],"result":5}`. A call that failed has `errno` too, and the last
 * call of a batch `seconds`: what the batch took.
 */
export function jsonLine(entry: TraceEntry, batch: number): string {
  const { performer: who, name: call, result = null, index, count, seconds } = entry;
  const failed = result !== null && isError(result);
  return `${JSON.stringify({
    who,
    batch,
    call,
    args: shownArgs(entry),
    result: failed ? -1 : result,
    ...(failed && { errno: errnoName(-result) }),
    ...(index === count - 1 && { seconds: Number(seconds.toFixed(6)) }),
  })}\n`;
}

/**
 * A line for a state that the machine has come to: `-- c1: creating.mounts`. It stands between the calls that led there
 * and those that follow. In JSON, `at` is how many seconds after the start of the command.
 */
export const stateLine = (format: TraceFormat, id: string, state: string, at: number): string =>
  format === 'json' ? `${JSON.stringify({ id, state, at: Number(at.toFixed(6)) })}\n` : `-- ${id}: ${state}\n`;

/** Results from -4095 to -1 are errors, as for the kernel. Lower ones are addresses. */
const isError = (result: number): boolean => result < 0 && result >= -4095;

function shownArgs(entry: TraceEntry): Shown[] {
  const kinds = SIGNATURES[entry.name];
  const shown = entry.args.map((arg, i) => {
    const kind = kinds === undefined ? any : kinds[i];
    return kind?.(arg, entry);
  });
  return shown.filter((one) => one !== undefined);
}
