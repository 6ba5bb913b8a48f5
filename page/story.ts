/** Tells what one command did, phase by phase: what the page's timeline shows. Pure. */

import type { CallLine, FailureLine, Line, WarningLine } from '../spec/watch/lines.ts';
import { placeOfFailure } from './life.ts';
import type { Run } from './lives.ts';

/** A request of the command. */
export interface Asked {
  readonly request: string;
  readonly at: number;
  /** Until the machine had settled again, or the command ended; undefined while it goes on. */
  readonly seconds?: number;
}

/** A state that the container was in during the command. */
export interface Phase {
  readonly place: string;
  readonly at: number;
  /** How long it was there while the command ran; undefined in its last state. */
  readonly seconds?: number;
  readonly requests: readonly Asked[];
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
  requests: { request: string; at: number; seconds?: number }[];
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
  const present = (): Draft => phases.at(-1) ?? begin('', began);
  const failedPhase = (during: string): Draft | undefined => {
    const place = placeOfFailure(
      phases.map((phase) => phase.place),
      during,
    );
    return phases.findLast((phase) => phase.place === place);
  };
  let waiting: Draft['requests'] = [];
  const answer = (at: number): void => {
    for (const asked of waiting) asked.seconds = Math.max(0, at - asked.at);
    waiting = [];
  };
  for (const line of lines) {
    if (line.type === 'request') {
      const asked = { request: line.request, at: line.at };
      waiting.push(asked);
      present().requests.push(asked);
    } else if (line.type === 'state') {
      begin(line.id.startsWith('exec in ') ? `exec: ${line.state}` : line.state, line.at);
      if (isSettled(line.state)) answer(line.at);
    } else if (line.type === 'call') present().calls.push(line);
    else if (line.type === 'failure') (failedPhase(line.during) ?? present()).failures.push(line);
    else if (line.type === 'warning') present().warnings.push(line);
    else if (line.type === 'lost') present().lost += line.count;
  }
  const last = phases.at(-1);
  if (ended !== undefined) answer(ended);
  if (last !== undefined && ended !== undefined) last.seconds = Math.max(0, ended - last.at);
  return phases;
}

const isSettled = (place: string): boolean =>
  /^(?:absent|created|running|paused|stopped|deleted|failed|creating\.unfinished)$/.test(place);

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
  const text = rendered(value, 0);
  return text.length > LONGEST_ARGUMENT ? `${text.slice(0, LONGEST_ARGUMENT)}…` : text;
}

/** As strace has it: `{flags=O_PATH, resolve=RESOLVE_IN_ROOT}`, `["sh", "-c"]`, `NULL`. */
function rendered(value: unknown, depth: number): string {
  if (value === null) return 'NULL';
  // A trace tells constants and octal numbers as strings, too.
  if (typeof value === 'string')
    return /^(?:[A-Z][A-Z0-9_|]+|0[0-7]*|0x[0-9a-f]+…?)$/.test(value) ? value : JSON.stringify(value);
  if (typeof value !== 'object' || depth > 4) return String(value);
  if (Array.isArray(value)) return `[${value.map((one) => rendered(one, depth + 1)).join(', ')}]`;
  const fields = Object.entries(value).map(([name, one]) => `${name}=${rendered(one, depth + 1)}`);
  return `{${fields.join(', ')}}`;
}
