/**
 * Lets a signal end what a container makes hang: a file system in its root that does not answer, say. Such a wait stops
 * the engine (native/performers/interruption.ts), so no handler of a signal runs meanwhile.
 */

import { reasonOf } from '../../effects/error.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { type Interruption, interruptedBy } from '../../native/performers/interruption.ts';
import type { Context } from '../container/context.ts';

const ENDING_NAMES = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/** What tells a command to end. */
export const ENDING: readonly number[] = ENDING_NAMES.map((name) => SIGNALS[name]);

/** A signal ended the command before its work was done. */
export class EndedBySignal {
  /** The exit status that shells give such a command. */
  readonly status: number;

  constructor(signal: number) {
    this.status = 128 + signal;
  }
}

/**
 * Makes a container, for a command that catches signals. If one comes while the making hangs, what has been made is
 * undone, and a warning says so.
 */
export async function unlessEnded<T>(context: Context, id: string, make: () => Promise<T>): Promise<T | EndedBySignal> {
  const unwatch = context.platform.interruption?.watch(ENDING, 'one wait');
  try {
    return await orSignal(context, id, make);
  } finally {
    unwatch?.();
  }
}

/**
 * The same for a command that does not catch signals otherwise. As long as nothing hangs, and where the engine runs, a
 * signal has its default action: it ends the command at once. What the caller ignores stays ignored.
 */
export async function unlessEndedAlone<T>(
  context: Context,
  id: string,
  make: () => Promise<T>,
): Promise<T | EndedBySignal> {
  const { interruption } = context.platform;
  if (interruption === undefined) return make();
  let release = (): void => undefined;
  const { caller } = context.platform;
  const forget = interruption.whenWaiting(() => {
    // A caller that is another process has handlers of its own, and this one must not get any.
    release = caller ? interruption.watch(interruption.heeded(ENDING), 'one wait') : watchAlone(interruption);
  });
  try {
    return await orSignal(context, id, make);
  } finally {
    forget();
    release();
  }
}

/** @returns a function that gives the signals their default action back */
function watchAlone(interruption: Interruption): () => void {
  const heeded = interruption.heeded(ENDING);
  const names = ENDING_NAMES.filter((name) => heeded.includes(SIGNALS[name]));
  const endAtOnce = (name: NodeJS.Signals): void => {
    // It is this signal that has ended a wait. A second one ends the command by itself.
    if (interruption.interrupted) return;
    release();
    process.kill(process.pid, name);
  };
  // A signal that comes between these two steps is heard by nobody. The next one is.
  for (const name of names) process.on(name, endAtOnce);
  const unwatch = interruption.watch(heeded, 'one wait');
  const release = (): void => {
    unwatch();
    for (const name of names) process.off(name, endAtOnce);
  };
  return release;
}

async function orSignal<T>({ warn }: Context, id: string, make: () => Promise<T>): Promise<T | EndedBySignal> {
  try {
    return await make();
  } catch (error) {
    const signal = interruptedBy(error)?.signal;
    if (signal === undefined) throw error;
    warn(`signal ${signal} ended the creation of container ${id}: ${reasonOf(error)}`);
    return new EndedBySignal(signal);
  }
}
