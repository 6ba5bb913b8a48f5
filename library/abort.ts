/** Ends what waits, by an AbortSignal or by a limit of time. What is half made by then is unwound first. */

import type { LibraryContext } from './context.ts';

export interface WaitOptions {
  /** Ends the wait. What is half made is unwound; then the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. When they are over, the same happens, with a DOMException whose name is `TimeoutError`. */
  readonly timeout?: number | undefined;
}

/**
 * Performs something that may take long.
 * @param action is given a signal where something may end it
 * @param closing ends it too
 * @throws the reason, where it was ended; else what the action throws
 */
export async function within<T>(
  { signal, timeout }: WaitOptions,
  action: (signal: AbortSignal | undefined) => Promise<T>,
  closing?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  if (timeout === undefined && closing === undefined) return ending(signal, action);
  if (timeout !== undefined && !(timeout >= 0)) throw new TypeError(`timeout: ${timeout} is no number of milliseconds`);
  const limited = new AbortController();
  const end = ({ target }: Event): void => limited.abort((target as AbortSignal).reason);
  const others = [signal, closing].filter((one) => one !== undefined);
  for (const one of others) one.addEventListener('abort', end);
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => limited.abort(timedOut(timeout)), Math.min(timeout, LONGEST_TIMER_MS));
  try {
    return await ending(limited.signal, action);
  } finally {
    clearTimeout(timer);
    for (const one of others) one.removeEventListener('abort', end);
  }
}

/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

const timedOut = (ms: number): DOMException =>
  new DOMException(`The operation took longer than ${ms} ms.`, 'TimeoutError');

/** Where the signal is why it failed, the reason says more than what it led to. */
async function ending<T>(
  signal: AbortSignal | undefined,
  action: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await action(signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

interface Abortable {
  readonly context: LibraryContext;
  /** The operation is done: the signal does not concern the context any more. */
  settle(): void;
}

/**
 * The context for one operation that a signal ends: at its next wait, or before its next process. The unwinding that
 * follows has its waits undisturbed.
 */
export function abortable(context: LibraryContext, signal: AbortSignal | undefined): Abortable {
  if (signal === undefined) return { context, settle: () => undefined };
  const { platform, patience } = context;
  let isTold = false;
  /** For the first wait that the signal ends, and for none after it. */
  const telling = (): AbortSignal | undefined => (isTold ? undefined : signal);
  const check = (): void => {
    if (isTold || !signal.aborted) return;
    isTold = true;
    throw signal.reason;
  };
  const own: LibraryContext = {
    ...context,
    patience: {
      ...patience,
      async sleep(milliseconds) {
        check();
        await patience.sleep(milliseconds);
      },
    },
    platform: {
      ...platform,
      async poll(descriptors, timeoutMs, own) {
        const ends = own ?? telling();
        try {
          return await platform.poll(descriptors, timeoutMs, ends);
        } catch (error) {
          if (ends === signal && signal.aborted) isTold = true;
          throw error;
        }
      },
      spawnStage(...given) {
        check();
        return platform.spawnStage(...given);
      },
      standing: {
        ...platform.standing,
        current() {
          check();
          return platform.standing.current();
        },
      },
    },
  };
  return {
    context: own,
    settle() {
      isTold = true;
    },
  };
}
