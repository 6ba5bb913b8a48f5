/**
 * Signals sent to this process while it stands for a container's. Only the engine's own handlers can catch them: its
 * other threads block none, so no descriptor would see them.
 */

import { SIGNALS } from '../../native/constants/signal.ts';

type SignalName = keyof typeof SIGNALS;

/**
 * What is handed on to the container's process. Not among them, though runc hands them on:
 * - SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS: the engine's own faults;
 * - SIGPIPE, SIGXFSZ: a sink of the caller's that is closed or full, which the streams deal with;
 * - SIGTTIN, SIGTTOU: the terminal stops a background process that wants it, as its shell expects; caught, they
 *   would come again at once, without end;
 * - SIGPWR, SIGSTKFLT and the real-time signals: Bun keeps the first to itself, neither engine catches the others.
 * SIGURG, which runc ignores for a reason of Go's, is ignored here by default.
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

export interface CaughtSignals {
  /** Hands over what has come so far, in order, and from then on each as it comes. */
  deliverTo(handler: (signal: number) => void): void;
  /** Gives the signals back to what they did before. */
  release(): void;
}

/** Catches the signals to forward, SIGCHLD and SIGWINCH, from now on. */
export function catchSignals(): CaughtSignals {
  const waiting: number[] = [];
  let handle = (signal: number): void => {
    waiting.push(signal);
  };
  const caught = [...FORWARDED, 'SIGCHLD', 'SIGWINCH'] as const;
  const listener = (name: SignalName): void => handle(SIGNALS[name]);
  for (const name of caught) process.on(name, listener);
  return {
    deliverTo(handler) {
      handle = handler;
      for (const signal of waiting.splice(0)) handler(signal);
    },
    release() {
      for (const name of caught) process.off(name, listener);
    },
  };
}
