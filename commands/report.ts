/** A command's error: one line for the log, and its exit status. */

import type { Host } from '../runtime/host/host.ts';
import type { Log } from '../runtime/host/log.ts';
import { openLogAlone, type Prepared } from '../runtime/host/prepare.ts';
import { isGivenBack } from '../runtime/resident/given-back.ts';
import { logFormat, looseValue, UsageError } from './line.ts';

interface Failed {
  readonly argv: readonly string[];
  readonly host: Host;
  readonly prepared: Prepared | undefined;
}

/** @returns the exit status */
export function report(error: unknown, failed: Failed): number {
  // Nothing has been done: the caller goes the usual way, and reports what there is to report.
  if (isGivenBack(error)) return 1;
  const log = failed.prepared?.log ?? logOfLine(failed);
  log.error(lineOf(error));
  if (log.debugging && error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  if (failed.prepared === undefined) log.close();
  return error instanceof UsageError ? error.exitStatus : 1;
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
