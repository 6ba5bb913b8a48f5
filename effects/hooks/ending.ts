/** Says how a hook ended, in runc's words, which are those of Go's os/exec: engines and people look for them. */

import type { Ending } from '../../native/calls/ending.ts';
import { SIGNALS } from '../../native/constants/signal.ts';

/** @returns undefined for a hook that succeeded */
export function describeEnding({ how, status }: Ending): string | undefined {
  if (how === 'exited') return status === 0 ? undefined : `exit status ${status}`;
  return `signal: ${signalText(status)}${how === 'dumped' ? ' (core dumped)' : ''}`;
}

/** What Go calls the signals that end hooks. The others are called by their names. */
const TEXTS: Readonly<Record<number, string>> = {
  [SIGNALS.SIGHUP]: 'hangup',
  [SIGNALS.SIGINT]: 'interrupt',
  [SIGNALS.SIGQUIT]: 'quit',
  [SIGNALS.SIGILL]: 'illegal instruction',
  [SIGNALS.SIGTRAP]: 'trace/breakpoint trap',
  [SIGNALS.SIGABRT]: 'aborted',
  [SIGNALS.SIGBUS]: 'bus error',
  [SIGNALS.SIGFPE]: 'floating point exception',
  [SIGNALS.SIGKILL]: 'killed',
  [SIGNALS.SIGUSR1]: 'user defined signal 1',
  [SIGNALS.SIGSEGV]: 'segmentation fault',
  [SIGNALS.SIGUSR2]: 'user defined signal 2',
  [SIGNALS.SIGPIPE]: 'broken pipe',
  [SIGNALS.SIGALRM]: 'alarm clock',
  [SIGNALS.SIGTERM]: 'terminated',
  [SIGNALS.SIGSYS]: 'bad system call',
};

const signalText = (signal: number): string =>
  TEXTS[signal] ?? Object.entries(SIGNALS).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
