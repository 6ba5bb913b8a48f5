/**
 * Finds the last failure in a trace (`--trace FILE.jsonl`, docs/watch.md). The file may come from another machine, or
 * be none: nothing in it is taken on trust, and nothing is looked up. Pure.
 */

import type { KeptFailure } from './kept.ts';

type Line = Readonly<Record<string, unknown>>;

/** @returns undefined where no command failed. @throws Error where the text is no trace */
export function failureIn(text: string): KeptFailure | undefined {
  const lines = text.split('\n').flatMap((line): Line[] => {
    const value = parsed(line);
    return value === undefined ? [] : [value];
  });
  if (!lines.some((line) => typeof line.type === 'string' || typeof line.call === 'string'))
    throw new Error('it has no line of a trace');
  const end = lines.findLastIndex(({ type, error }) => type === 'end' && typeof error === 'string');
  const failed = lines.findLastIndex(({ type }) => type === 'failure');
  const last = Math.max(end, failed);
  return last < 0 ? undefined : storyOf(lines.slice(0, last + 1), lines[last]?.run);
}

function storyOf(all: readonly Line[], run: unknown): KeptFailure {
  const lines = all.filter((line) => line.run === run);
  const find = (type: string): Line => lines.findLast((line) => line.type === type) ?? {};
  const [command, end] = [find('command'), find('end')];
  // The first failure is the cause; others came while it was undone.
  const failure = lines.find(({ type }) => type === 'failure') ?? {};
  const told = objectOf(end.failure);
  const at = lines.indexOf(failure);
  const call = callBefore(at < 0 ? lines : lines.slice(0, at), textOf(failure.code));
  const seconds = Number(end.at ?? failure.at ?? 0);
  return {
    id: textOf(command.id) ?? textOf(failure.id) ?? '?',
    command: textOf(command.command) ?? '?',
    time: timeOf(seconds),
    message: textOf(end.error) ?? textOf(failure.message) ?? '?',
    ...definedOf({
      phase: textOf(told.phase) ?? textOf(failure.during),
      syscall: textOf(told.syscall) ?? textOf(call?.call),
      errno: textOf(told.errno) ?? textOf(failure.code) ?? textOf(call?.errno),
      path: textOf(told.path) ?? pathIn(call?.args),
      cause: textOf(told.cause),
      advice: textOf(told.advice),
    }),
  };
}

/**
 * The call that failed: the last one before the failure with its errno. The runtime's own calls come second: after the
 * failure of another process it looks for the cause, and finds more that is missing.
 */
function callBefore(lines: readonly Line[], code: string | undefined): Line | undefined {
  const calls = lines.filter(
    ({ type, errno }) => type === 'call' && (code === undefined ? errno !== undefined : errno === code),
  );
  return calls.findLast(({ who }) => who !== 'runtime') ?? calls.at(-1);
}

/** The first argument that is a path. */
const pathIn = (args: unknown): string | undefined =>
  Array.isArray(args) ? textOf(args.find((arg) => typeof arg === 'string' && arg.startsWith('/'))) : undefined;

function timeOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '?' : `${date.toISOString().slice(0, 19)}Z`;
}

function parsed(line: string): Line | undefined {
  try {
    return line === '' ? undefined : objectOf(JSON.parse(line), undefined);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Line;
function objectOf(value: unknown, otherwise: undefined): Line | undefined;
function objectOf(value: unknown, otherwise: Line | undefined = {}): Line | undefined {
  return isObject(value) ? value : otherwise;
}

const isObject = (value: unknown): value is Line =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Leaves out what is not known. */
const definedOf = (values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
