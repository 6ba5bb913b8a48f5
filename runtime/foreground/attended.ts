/** What stands for a process in the foreground: this command itself (attendance.ts), or its caller (for-caller.ts). */

import type { Pid } from '../../native/kernel/numbers.ts';
import type { CaughtSignals } from './caught-signals.ts';
import type { Inherited } from './inheritance.ts';

export interface Foreground {
  readonly inherited: Inherited;
  readonly signals: CaughtSignals;
  /** Gives the caller's terminal back its modes. */
  leaveTerminal(): void;
  /**
   * For a process that is ready and has not executed its program: opens what is copied, and makes the caller's terminal
   * raw. @throws Error
   */
  connect(pid: Pid): Connected;
}

export interface Connected {
  /**
   * For a process that runs: from now on it gets the signals.
   * @param options.subreaper whether this process reaps all orphans
   * @param options.awaitsWriters whether the outputs are copied as long as anybody holds them open
   */
  attendance(options: { readonly subreaper: boolean; readonly awaitsWriters: boolean }): Attended;
}

export interface Attended {
  /**
   * The long wait.
   * @param next the command line of what is left to do then, for a caller that goes on by itself
   * @returns the exit status; undefined where the caller goes on by itself
   */
  untilEnd(next?: () => readonly string[]): Promise<number | undefined>;
}
