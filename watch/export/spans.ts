/** Makes spans of lines: a command, the states that its machine stands in, the batches of calls. Pure. */

import type { CallLine, CommandLine, EndLine, Line, StateLine } from '../../spec/watch/lines.ts';

export interface Span {
  readonly kind: 'command' | 'state' | 'batch';
  readonly name: string;
  /** Seconds since the epoch. */
  readonly start: number;
  readonly end: number;
  /** Who did it: `runtime`, `init`. A command and a state are the runtime's. */
  readonly who: string;
  readonly pid: number;
  /** An index into the spans of the run. Undefined for the command itself. */
  readonly parent?: number;
  readonly error?: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** The spans of one command. */
export interface RunSpans {
  readonly run: string;
  readonly command: CommandLine;
  /** The first one is the command's. A parent comes before its children. */
  readonly spans: readonly Span[];
}

/** @returns the commands in the order in which they began; lines of runs whose beginning is missing are left out */
export function spansOf(lines: readonly Line[]): readonly RunSpans[] {
  return [...Map.groupBy(lines, ({ run }) => run)].flatMap(([run, own]) => {
    const command = own.find((line) => line.type === 'command');
    return command === undefined ? [] : [{ run, command, spans: spansOfRun(command, own) }];
  });
}

function spansOfRun(command: CommandLine, lines: readonly Line[]): readonly Span[] {
  const ending = lines.find((line) => line.type === 'end');
  const last = lines.reduce((latest, line) => Math.max(latest, endOf(line)), command.at);
  const spans: Span[] = [commandSpan(command, ending, last)];
  const failures = lines.filter((line) => line.type === 'failure');
  const states = lines.filter((line) => line.type === 'state');
  states.forEach((state, index) => {
    const end = states.slice(index + 1).find(({ id }) => id === state.id)?.at ?? last;
    if (!isWork(state)) return;
    const failed = failures.find(({ id, at }) => id === state.id && at >= state.at && at <= end);
    spans.push({
      kind: 'state',
      name: state.state,
      start: state.at,
      end: Math.max(end, state.at),
      who: 'runtime',
      pid: command.pid,
      parent: 0,
      ...(failed !== undefined && { error: failed.message }),
      attributes: { 'container.id': state.id, 'runchart.state': state.state },
    });
  });
  spans.push(...batchSpans(command, lines, spans));
  return spans;
}

function commandSpan(command: CommandLine, ending: EndLine | undefined, last: number): Span {
  const { id, version, pid, at, root } = command;
  return {
    kind: 'command',
    name: id === undefined ? command.command : `${command.command} ${id}`,
    start: at,
    end: last,
    who: 'runtime',
    pid,
    ...(ending?.error !== undefined && { error: ending.error }),
    attributes: {
      'runchart.command': command.command,
      'runchart.version': version,
      ...(id !== undefined && { 'container.id': id }),
      ...(root !== undefined && { 'runchart.root': root }),
      ...(ending?.status !== undefined && { 'process.exit.code': ending.status }),
    },
  };
}

/** In a settled state nothing goes on, however long a container runs. */
const isWork = ({ state }: StateLine): boolean =>
  !['absent', 'created', 'running', 'paused', 'stopped', 'deleted', 'failed', 'exited'].includes(state);

function batchSpans(command: CommandLine, lines: readonly Line[], outer: readonly Span[]): readonly Span[] {
  const calls = lines.filter((line) => line.type === 'call');
  /** When each process was done with its last batch. It performs one after the other, however early they were sent. */
  const free = new Map<string, number>();
  return [...Map.groupBy(calls, ({ batch }) => batch).values()].map((batch) => {
    const [first] = batch as [CallLine, ...CallLine[]];
    const end = first.at + (batch.at(-1)?.seconds ?? 0);
    const start = Math.min(end, Math.max(first.at, free.get(first.who) ?? 0));
    free.set(first.who, end);
    const failed = batch.find(({ errno }) => errno !== undefined);
    return {
      kind: 'batch' as const,
      name: batch.length === 1 ? first.call : `${first.call} +${batch.length - 1}`,
      start,
      end,
      who: first.who,
      pid: first.pid ?? command.pid,
      parent: innermost(outer, start),
      attributes: {
        'runchart.performer': first.who,
        'runchart.calls': batch.map(({ call }) => call).join(' '),
        ...(failed?.errno !== undefined && { 'runchart.errno': `${failed.call} ${failed.errno}` }),
      },
    };
  });
}

function innermost(outer: readonly Span[], at: number): number {
  const index = outer.findLastIndex(({ start, end }) => start <= at && at <= end);
  return Math.max(0, index);
}

const endOf = (line: Line): number => line.at + (line.type === 'call' ? (line.seconds ?? 0) : 0);
