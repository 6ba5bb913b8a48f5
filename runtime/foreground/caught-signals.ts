/**
 * Catches signals that are sent to this process while it stands for a container's. Only the engine's own handlers can
 * do that: the engine's other threads block no signal, so a signalfd would not see them.
 */

import { SIGNALS } from '../../native/constants/signal.ts';

type SignalName = keyof typeof SIGNALS;

/**
 * The signals that are handed on to the container's process. runc hands on some more, which are not among these:
 * - SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS are the engine's own faults.
 * - SIGPIPE and SIGXFSZ tell of a sink of the caller's that is closed or full. The streams deal with that.
 * - SIGTTIN and SIGTTOU stop a background process that wants the terminal, as its shell expects. If they were caught,
 *   they would come again at once, without end.
 * - SIGPWR, SIGSTKFLT and the real-time signals: Bun keeps the first to itself, and neither engine catches the others.
 *
 * runc ignores SIGURG for a reason of Go's. Here it is ignored too, as that is its default.
 */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGCONT',
  'SIGTSTP',
  'SIGXCPU',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
] as const satisfies readonly SignalName[];

/** All that a foreground command catches. */
export const CAUGHT = [...FORWARDED, 'SIGCHLD', 'SIGWINCH'] as const;

export interface CaughtSignals {
  /** Hands over the signals that have come so far, in order, and from then on each as it comes. */
  deliverTo(handler: (signal: number) => void): void;
  /** Catches the signals no longer. */
  release(): void;
}

/** Catches the signals that are handed on, SIGCHLD and SIGWINCH, from now on. */
export function catchSignals(): CaughtSignals {
  const waiting: number[] = [];
  let handle = (signal: number): void => {
    waiting.push(signal);
  };
  const listener = (name: SignalName): void => handle(SIGNALS[name]);
  for (const name of CAUGHT) process.on(name, listener);
  return {
    deliverTo(handler) {
      handle = handler;
      for (const signal of waiting.splice(0)) handler(signal);
    },
    release() {
      for (const name of CAUGHT) process.off(name, listener);
    },
  };
}
