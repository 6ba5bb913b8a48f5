/**
 * Waits for descriptors without stopping the engine. The engines' thread pools are small (four threads), and a wait for
 * a container may last for days. So all waits of a process share one poll(2) on one thread.
 */

import { eventfd, read, write } from '../calls/files.ts';
import { POLL } from '../constants/socket.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { opened } from '../kernel/owned.ts';
import { attempt } from '../kernel/perform.ts';
import type { PollRequest } from '../kernel/poll.ts';
import { out } from '../kernel/struct.ts';
import type { Libc } from './libc.ts';

interface Waiting {
  readonly requests: readonly PollRequest[];
  /** By the clock of performance.now(). */
  readonly deadline: number;
  readonly resolve: (events: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/**
 * Waits until one of the descriptors is ready, or for `timeoutMs` (-1: for ever). It answers with the events of each,
 * in order; they are all 0 when the time is up. If `signal` aborts, it rejects with the signal's reason.
 */
export type Poll = (
  requests: readonly PollRequest[],
  timeoutMs: number,
  signal?: AbortSignal,
) => Promise<readonly number[]>;

/** @param local makes and closes the descriptor that wakes the thread */
export function poller(libc: Libc, local: Kernel): Poll {
  const waiting = new Set<Waiting>();
  let isServing = false;
  /** Wakes the thread; undefined while it is awake, or has been woken. */
  let wake: Fd | undefined;

  async function serve(): Promise<void> {
    isServing = true;
    try {
      using bell = opened(local, eventfd());
      for (;;) {
        // Those who begin to wait at the same time go to the thread together.
        await undefined;
        if (waiting.size === 0) return;
        const round = [...waiting];
        const requests = [{ fd: bell.fd, events: POLL.IN }, ...round.flatMap((one) => one.requests)];
        const soonest = Math.min(...round.map(({ deadline }) => deadline));
        const timeout = soonest === Infinity ? -1 : Math.max(0, Math.ceil(soonest - performance.now()));
        wake = bell.fd;
        const events = await libc.poll(requests, timeout);
        wake = undefined;
        if (events[0] !== 0) attempt(local, read(bell.fd, out(8)));
        answer(round, events.slice(1));
      }
    } catch (error) {
      for (const one of waiting) one.reject(error);
      waiting.clear();
    } finally {
      wake = undefined;
      isServing = false;
    }
  }

  function answer(round: readonly Waiting[], events: readonly number[]): void {
    const now = performance.now();
    let at = 0;
    for (const one of round) {
      const own = events.slice(at, at + one.requests.length);
      at += one.requests.length;
      if (own.every((event) => event === 0) && now < one.deadline) continue;
      if (waiting.delete(one)) one.resolve(own);
    }
  }

  /** Has the thread look at `waiting` again. */
  function ring(): void {
    if (wake !== undefined) attempt(local, write(wake, ONE));
    wake = undefined;
  }

  return (requests, timeoutMs, signal) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const deadline = timeoutMs < 0 ? Infinity : performance.now() + timeoutMs;
    const one = { requests, deadline, resolve, reject };
    waiting.add(one);
    if (isServing) ring();
    else void serve();
    return signal === undefined ? promise : unlessAborted(promise, signal, () => waiting.delete(one) && ring());
  };
}

/** @param forget called when the signal aborts */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, forget: () => void): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    forget();
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
