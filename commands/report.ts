/** A command's error: one line for the log, and its exit status. */

import { isWorthKeeping, keepFailure } from '../runtime/failure/kept.ts';
import { sourceStack } from '../runtime/failure/stack.ts';
import { type FailureStory, factsForPrograms, storyOf, withCause } from '../runtime/failure/story.ts';
import { rfc3339 } from '../runtime/host/clock.ts';
import type { Host } from '../runtime/host/host.ts';
import type { Log } from '../runtime/host/log.ts';
import { absolutePath } from '../runtime/host/path.ts';
import { openLogAlone, type Prepared } from '../runtime/host/prepare.ts';
import { isGivenBack } from '../runtime/resident/given-back.ts';
import { nearest } from '../spec/nearest.ts';
import { logFormat, looseValue, UsageError } from './line.ts';

interface Failed {
  readonly argv: readonly string[];
  readonly host: Host;
  readonly prepared: Prepared | undefined;
  /** The command, and its first argument, where the line was understood so far. */
  readonly asked?: { readonly command: string; readonly id: string | undefined };
}

/** @returns the exit status */
export function report(error: unknown, failed: Failed): number {
  // Nothing has been done: the caller goes the usual way, and reports what there is to report.
  if (isGivenBack(error)) {
    failed.prepared?.dropped();
    return 1;
  }
  const log = failed.prepared?.log ?? logOfLine(failed);
  const story = storyOf(error);
  const line = lineOf(error) + suggestion(error);
  log.error(withCause(line, story), story);
  if (isWorthKeeping(error)) keep(failed, { ...story, message: line });
  if (log.debugging && error instanceof Error && error.stack !== undefined) log.debug(stackOf(error.stack, failed));
  const status = error instanceof UsageError ? error.exitStatus : 1;
  failed.prepared?.ended(status, line, factsForPrograms(story));
  if (failed.prepared === undefined) log.close();
  return status;
}

const stackOf = (stack: string, { prepared }: Failed): string =>
  prepared === undefined ? stack : sourceStack(prepared.context.platform.local, stack);

/** ` (did you mean --debug?)` */
function suggestion(error: unknown): string {
  const { word = '', known = [] } = (error instanceof UsageError && error.meant) || {};
  const name = nearest(word, known);
  return name === undefined ? '' : ` (did you mean ${name}?)`;
}

/** The commands whose failures `explain` tells of. */
const KEPT: ReadonlySet<string> = new Set([
  ...['create', 'run', 'start', 'exec', 'restore', 'checkpoint', 'update', 'pause', 'resume', 'delete'],
]);

/** Keeps it for `explain`. */
function keep({ argv, host, prepared, asked }: Failed, story: FailureStory & { readonly message: string }): void {
  if (prepared === undefined || asked?.id === undefined || !KEPT.has(asked.command)) return;
  const { platform, root } = prepared.context;
  const { command, id } = asked;
  const bundle = MAKING.has(command) ? bundleOf(argv, host) : undefined;
  const time = rfc3339(Math.floor(Date.now() / 1000), 0);
  keepFailure(platform.local, root, { id, command, time, ...(bundle !== undefined && { bundle }), ...story });
}

const MAKING: ReadonlySet<string> = new Set(['create', 'run', 'restore']);

/** @returns undefined where the current directory has been removed */
function bundleOf(argv: readonly string[], host: Host): string | undefined {
  try {
    return absolutePath(host, looseValue(argv, 'bundle') ?? looseValue(argv, 'b') ?? '');
  } catch {
    return undefined;
  }
}

/** Makes one line of an error. oclif puts hints of its own on further lines. */
export function lineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (
    text
      .replace(/\nSee more help with --help$/, '')
      .replace(/^Parsing --\S+ *\n\s*(?=invalid value )/, '')
      // The output of a hook may end with a newline before a comma.
      .replace(/\s*\n\s*(?=,|$)/g, '')
      .replace(/:?\s*\n\s*/g, ': ')
      .trim()
  );
}

/** An error in the command line goes to the log that the line names, as far as the line can be understood. */
function logOfLine({ argv, host }: Failed): Log {
  const value = (name: string) => looseValue(argv, name);
  const debug = value('debug') !== undefined;
  try {
    return openLogAlone(host, { log: value('log'), logFormat: logFormat(value('log-format')), debug });
  } catch {
    return openLogAlone(host, { debug });
  }
}
