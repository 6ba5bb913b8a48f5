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
 * @param local makes and closes the descriptor that wakes the thread
 * @returns a function that waits until one of the descriptors is ready, or for `timeoutMs` (-1: for ever). It answers
 * with the events of each, in order; they are all 0 when the time is up
 */
export function poller(
  libc: Libc,
  local: Kernel,
): (requests: readonly PollRequest[], timeoutMs: number) => Promise<readonly number[]> {
  let waiting: readonly Waiting[] = [];
  /** Wakes the thread; undefined while no thread is in poll(2). */
  let wake: Fd | undefined;

  async function serve(): Promise<void> {
    try {
      using bell = opened(local, eventfd());
      wake = bell.fd;
      while (waiting.length > 0) {
        const round = waiting;
        const requests = [{ fd: bell.fd, events: POLL.IN }, ...round.flatMap((one) => one.requests)];
        const soonest = Math.min(...round.map(({ deadline }) => deadline));
        const timeout = soonest === Infinity ? -1 : Math.max(0, Math.ceil(soonest - performance.now()));
        const events = await libc.poll(requests, timeout);
        if (events[0] !== 0) attempt(local, read(bell.fd, out(8)));
        answer(round, events.slice(1));
      }
    } catch (error) {
      for (const one of waiting) one.reject(error);
      waiting = [];
    } finally {
      wake = undefined;
    }
  }

  function answer(round: readonly Waiting[], events: readonly number[]): void {
    const now = performance.now();
    let at = 0;
    for (const one of round) {
      const own = events.slice(at, at + one.requests.length);
      at += one.requests.length;
      if (own.every((event) => event === 0) && now < one.deadline) continue;
      waiting = waiting.filter((other) => other !== one);
      one.resolve(own);
    }
  }

  return (requests, timeoutMs) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const deadline = timeoutMs < 0 ? Infinity : performance.now() + timeoutMs;
    waiting = [...waiting, { requests, deadline, resolve, reject }];
    if (wake === undefined) void serve();
    else attempt(local, write(wake, ONE));
    return promise;
  };
}
