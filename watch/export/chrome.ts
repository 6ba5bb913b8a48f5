/**
 * Chrome's trace format ("Trace Event Format", JSON Object Format), which Perfetto, chrome://tracing and speedscope
 * show. A process of it is a command, a thread is whoever performed calls for it. Pure.
 */

import type { RunSpans, Span } from './spans.ts';

interface ChromeEvent {
  /** `X`: from `ts` on, for `dur`. `M`: a name. */
  readonly ph: 'X' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export function chromeTrace(runs: readonly RunSpans[]): string {
  // Times since the epoch have more digits than viewers keep.
  const origin = Math.min(...runs.map(({ command }) => command.at));
  const traceEvents = runs.flatMap((run, index) => eventsOf(run, index + 1, origin));
  const otherData = { origin: new Date(Number.isFinite(origin) ? origin * 1000 : 0).toISOString() };
  return JSON.stringify({ traceEvents, displayTimeUnit: 'ms', otherData });
}

/** @param pid a number for the command: pids come again */
function eventsOf({ spans }: RunSpans, pid: number, origin: number): ChromeEvent[] {
  const threads = [...new Set(spans.map(({ who }) => who))];
  const [command] = spans;
  const names: ChromeEvent[] = [
    { ph: 'M', name: 'process_name', pid, tid: 0, args: { name: `runchart ${command?.name} (pid ${command?.pid})` } },
    ...threads.flatMap((name, tid): ChromeEvent[] => [
      { ph: 'M', name: 'thread_name', pid, tid, args: { name } },
      { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } },
    ]),
  ];
  return [...names, ...spans.map((span) => eventOf(span, pid, threads.indexOf(span.who), origin))];
}

const eventOf = (
  { kind, name, start, end, pid: own, error, attributes }: Span,
  pid: number,
  tid: number,
  origin: number,
): ChromeEvent => ({
  ph: 'X',
  name,
  cat: kind,
  pid,
  tid,
  ts: microseconds(start - origin),
  dur: microseconds(end - start),
  args: { ...attributes, pid: own, ...(error !== undefined && { error }) },
});

const microseconds = (seconds: number): number => Math.round(seconds * 1e6);
