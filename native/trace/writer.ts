/**
 * Writes the calls that a recording kernel tells of, a line for each: readable, as strace shows them, or as JSON. Only
 * commands that trace load it.
 */

import { errnoName, errnoText } from '../constants/errno.ts';
import type { TraceEntry, TraceSink } from '../performers/recording.ts';
import { any } from './kinds.ts';
import { render, type Shown } from './shown.ts';
import { SIGNATURES } from './signatures.ts';
import { microseconds } from './time.ts';

export type TraceFormat = 'text' | 'json';

/**
 * The format that a trace file's name asks for: JSON lines where it ends in `.jsonl`, else readable lines.
 */
export const traceFormat = (file: string): TraceFormat => (file.endsWith('.jsonl') ? 'json' : 'text');

/**
 * Makes a sink. One for all kernels that take part numbers the batches in the order in which they were performed.
 * @param run of the command: each line of JSON has it
 * @param write takes whole lines: those of a batch at once
 * @param called takes each call as data
 */
export function traceWriter(
  format: TraceFormat,
  run: string,
  write: (lines: string) => void,
  called?: (line: ReturnType<typeof callLine>) => void,
): TraceSink {
  let batch = 0;
  let lines = '';
  return (entry) => {
    if (entry.index === 0) batch++;
    called?.(callLine(entry, batch, run));
    lines +=
      format === 'json'
        ? `${JSON.stringify(callLine(entry, batch, run))}\n`
        : stamp(entry.at, entry.pid) + textLine(entry);
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

/** A call as a line of JSON: `CallLine` of spec/watch/lines.ts. */
export function callLine(entry: TraceEntry, batch: number, run: string) {
  const { performer: who, pid, name: call, result = null, index, count, seconds } = entry;
  const failed = result !== null && isError(result);
  return {
    type: 'call' as const,
    at: microseconds(entry.at),
    run,
    ...(pid !== undefined && { pid }),
    who,
    batch,
    call,
    args: shownArgs(entry),
    result: failed ? -1 : result,
    ...(failed && { errno: errnoName(-result) }),
    ...(index === count - 1 && { seconds: microseconds(seconds) }),
  };
}

/** What stands before each readable line: when, in UTC, and by whom: `19:04:05.123456  4711 `. */
export function stamp(at: number, pid?: number): string {
  const [date, fraction = ''] = microseconds(at).toFixed(6).split('.');
  const clock = new Date(Number(date) * 1000).toISOString().slice(11, 19);
  return `${clock}.${fraction} ${String(pid ?? '?').padStart(PID_WIDTH)} `;
}

const PID_WIDTH = 5;

/**
 * A readable line for a state that the machine has come to: `-- c1: creating.mounts`. It stands between the calls that
 * led there and those that follow.
 */
export const stateText = (id: string, state: string): string => `-- ${id}: ${state}\n`;

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
