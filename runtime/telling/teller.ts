/** Tells the story of one command as lines, to whoever takes them: a trace, or a watcher. */

import type { InspectionEvent } from 'xstate';
import { epochSeconds, microseconds } from '../../native/trace/time.ts';
import manifest from '../../package.json' with { type: 'json' };
import { type CallLine, type EndLine, LINES_VERSION, type Line } from '../../spec/watch/lines.ts';
import type { Bare } from './inspection.ts';

/** What is known of a command before it does anything. */
export interface AboutCommand {
  readonly pid: number;
  /** Its name. */
  readonly command: string;
  /** The container that it works on. */
  readonly id?: string | undefined;
  /** The state root. */
  readonly root: string;
  readonly traceparent?: string | undefined;
}

/** Hears what a command does. */
export interface Telling {
  inspect(event: InspectionEvent): void;
  warned(message: string): void;
  /** The command is over. Nothing may be told after this. @param failure what is known of the error's cause */
  ended(status: number, error?: string, failure?: EndLine['failure']): void;
}

/** A watcher also hears of the system calls of a command that is traced. */
export interface WatcherTelling extends Telling {
  called(line: CallLine): void;
  /** The command has done nothing: nobody need know of it. */
  dropped(): void;
}

/** A name for a command's run that no other run has: pids come again, but not in the same millisecond. */
export const runName = (pid: number): string => `${pid}.${Date.now().toString(36)}`;

/** Completes a line. @param at when, in seconds since the epoch; by default now */
export const lineOf = (run: string, bare: Bare, at = epochSeconds()): Line =>
  // The type of a line says what else it has, which TypeScript cannot see through a spread.
  ({ ...bare, at: microseconds(at), run }) as Line;

export const beginning = ({ pid, command, id, root, traceparent }: AboutCommand): Bare & { readonly root: string } => ({
  type: 'command',
  format: LINES_VERSION,
  version: manifest.version,
  command,
  ...(id !== undefined && { id }),
  pid,
  root,
  ...(isTraceparent(traceparent) && { traceparent }),
});

export const ending = (status: number, error?: string, failure?: EndLine['failure']): Bare => ({
  type: 'end',
  status,
  ...(error !== undefined && { error }),
  ...(failure !== undefined && { failure }),
});

/** W3C Trace Context, "traceparent header": what else the variable may hold is not passed on. */
const isTraceparent = (value: string | undefined): value is string =>
  value !== undefined && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,400})?$/.test(value);
