/** Tells what one command did, phase by phase: what the page's timeline shows. Pure. */

import type { CallLine, FailureLine, Line, WarningLine } from '../spec/watch/lines.ts';
import type { Run } from './lives.ts';

/** A state that the container was in during the command. */
export interface Phase {
  readonly place: string;
  readonly at: number;
  /** How long it was there while the command ran; undefined in its last state. */
  readonly seconds?: number;
  readonly requests: readonly string[];
  readonly calls: readonly CallLine[];
  readonly failures: readonly FailureLine[];
  readonly warnings: readonly WarningLine[];
  /** So many lines are missing here. */
  readonly lost: number;
}

export interface Story {
  readonly title: string;
  readonly pid?: number;
  readonly began: number;
  /** Until its last line, if it has not told its end. */
  readonly seconds: number;
  readonly ended: boolean;
  /** The exit status, if it is known. */
  readonly status?: number;
  readonly error?: string;
  readonly phases: readonly Phase[];
}

export function storyOf({ run, command, end, lines }: Run): Story {
  const began = command?.at ?? lines[0]?.at ?? 0;
  const last = end?.at ?? lines.at(-1)?.at ?? began;
  return {
    title: command?.command ?? (run === '' ? 'by itself' : 'a command'),
    ...(command === undefined ? {} : { pid: command.pid }),
    began,
    seconds: Math.max(0, last - began),
    ended: end !== undefined || run === '',
    ...(end?.status === undefined ? {} : { status: end.status }),
    ...(end?.error === undefined ? {} : { error: end.error }),
    phases: phasesOf(lines, began, end?.at),
  };
}

interface Draft {
  place: string;
  at: number;
  seconds?: number;
  requests: string[];
  calls: CallLine[];
  failures: FailureLine[];
  warnings: WarningLine[];
  lost: number;
}

/** What happens before the first state that is told of belongs to a phase without a name. */
function phasesOf(lines: readonly Line[], began: number, ended: number | undefined): Phase[] {
  const phases: Draft[] = [];
  const begin = (place: string, at: number): Draft => {
    const before = phases.at(-1);
    if (before !== undefined) before.seconds = Math.max(0, at - before.at);
    const phase = { place, at, requests: [], calls: [], failures: [], warnings: [], lost: 0 };
    phases.push(phase);
    return phase;
  };
  let asked: string[] = [];
  for (const line of lines) {
    if (line.type === 'request') asked.push(line.request);
    else if (line.type === 'state') {
      const isExec = line.id.startsWith('exec in ');
      const phase = begin(isExec ? `exec: ${line.state}` : line.state, line.at);
      phase.requests.push(...asked);
      asked = [];
    } else if (line.type === 'call' || line.type === 'failure' || line.type === 'warning' || line.type === 'lost') {
      const phase = phases.at(-1) ?? begin('', began);
      if (line.type === 'call') phase.calls.push(line);
      if (line.type === 'failure') phase.failures.push(line);
      if (line.type === 'warning') phase.warnings.push(line);
      if (line.type === 'lost') phase.lost += line.count;
    }
  }
  // A request that changed nothing: it was refused, or only asked whether it is permitted.
  if (asked.length > 0) {
    const phase = phases.at(-1) ?? begin('', began);
    phase.requests.push(...asked);
  }
  const last = phases.at(-1);
  if (last !== undefined && ended !== undefined) last.seconds = Math.max(0, ended - last.at);
  return phases;
}

export interface Performer {
  readonly who: string;
  readonly count: number;
  readonly failed: number;
  readonly seconds: number;
}

/** Who performed the calls, and how long their batches took. */
export function performersOf(calls: readonly CallLine[]): Performer[] {
  const groups = Map.groupBy(calls, ({ who }) => who);
  return [...groups].map(([who, own]) => ({
    who,
    count: own.length,
    failed: own.filter(({ errno }) => errno !== undefined).length,
    seconds: own.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
  }));
}

/** `openat2(3, "proc", …) = 5` */
export function callText({ call, args, result, errno }: CallLine): string {
  return `${call}(${args.map(argumentText).join(', ')}) = ${errno === undefined ? (result ?? '?') : `-1 ${errno}`}`;
}

/** How much of one argument is shown. */
const LONGEST_ARGUMENT = 200;

function argumentText(value: unknown): string {
  // A trace tells constants and octal numbers as strings, too.
  if (typeof value === 'string' && /^(?:[A-Z][A-Z0-9_|]+|0[0-7]*|0x[0-9a-f]+…?)$/.test(value)) return value;
  const text = value === null ? 'NULL' : (JSON.stringify(value) ?? String(value));
  return text.length > LONGEST_ARGUMENT ? `${text.slice(0, LONGEST_ARGUMENT)}…` : text;
}
