/** The process that a resident engine works for, as the code above it sees it. */

import type { Fd, Pid } from '../kernel/numbers.ts';

/** The container's pipes that the caller is to relay from and to its own standard descriptors. */
export interface CallersPipes {
  readonly input?: Fd | undefined;
  readonly output?: Fd | undefined;
  readonly error?: Fd | undefined;
}

export interface Wait {
  /** The caller's child. */
  readonly pid: Pid;
  readonly pipes: CallersPipes;
  /** Whether the caller reaps all orphans. */
  readonly subreaper: boolean;
  /** Whether the outputs are copied as long as anybody holds them open. */
  readonly awaitsWriters: boolean;
  /** The signals that are handed on: `catchSignals` has had them before. */
  readonly signals: readonly number[];
  /** The command line of what is left to do after the wait, for whoever does it then; none where nothing is. */
  readonly next?: readonly string[];
}

export interface Caller {
  /** Gives back the command, of which nothing has been done: the caller performs it itself. @throws NotServedError */
  refuse(why: string): never;
  /** Throws where the caller is gone. @throws InterruptedError */
  check(): void;
  /** Catches these signals from now on, for the wait that is to come. */
  catchSignals(signals: readonly number[]): void;
  /**
   * Leaves the long wait to the caller.
   * @returns the exit status where the process ended soon; undefined where the caller goes on by itself
   */
  attend(wait: Wait): number | undefined;
  /** Has the caller reap all children that have ended. Nobody waits for that. */
  reapOrphans(): void;
  /** Kills children of the caller that have nothing to do any more, and has it reap them. Nobody waits for that. */
  retire(pids: readonly Pid[]): void;
}

/** The command is none for a resident engine. Nothing has been done. */
export class NotServedError extends Error {
  override readonly name = 'NotServedError';
}
