/**
 * Ends waits where the caller of a resident engine is gone, or was told to end. It is the caller that gets signals: it
 * is asked which ones it holds.
 */

import { ppoll } from '../calls/poll.ts';
import { SIGNALS } from '../constants/signal.ts';
import { POLL } from '../constants/socket.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import type { PollRequest } from '../kernel/poll.ts';
import { u64s } from '../kernel/struct.ts';
import { InterruptedError, type Interruption } from '../performers/interruption.ts';

/** How often it is asked. */
const LOOK_EVERY_MS = 100;
const MASK_BYTES = 8;
const AT_ONCE = u64s(0, 0);

export interface CallersInterruption extends Interruption {
  /** @throws InterruptedError, once, where the caller is gone */
  check(): void;
  /** What to poll besides, to hear that the caller is gone; nothing where that has been said. */
  readonly leaving: readonly PollRequest[];
}

/**
 * @param own this process
 * @param body the caller's kernel, behind `socket`
 */
export function callersInterruption(own: Kernel, body: () => Kernel, socket: Fd): CallersInterruption {
  let watched: readonly number[] = [];
  let ends: 'every wait' | 'one wait' = 'every wait';
  let interrupted = false;
  let hasToldEnd = false;

  const hangup: PollRequest = { fd: socket, events: 0 };

  function interrupt(signal: number): never {
    interrupted = true;
    throw new InterruptedError(signal);
  }

  function check(): void {
    if (hasToldEnd || attempt(own, ppoll([hangup], 0)) <= 0) return;
    hasToldEnd = true;
    interrupt(SIGNALS.SIGHUP);
  }

  function lookForSignals(): void {
    if (watched.length === 0 || (interrupted && ends === 'one wait')) return;
    const signal = attempt(body(), {
      name: 'rt_sigtimedwait',
      args: [maskOf(watched), null, AT_ONCE, MASK_BYTES],
      mayFail: true,
    });
    if (signal > 0) interrupt(signal);
  }

  return {
    check,
    get leaving() {
      return hasToldEnd ? [] : [hangup];
    },
    get watching() {
      return watched.length > 0;
    },
    get interrupted() {
      return interrupted;
    },
    awaitReadable(fd) {
      // The end of the body's own socket is told by a read.
      if (fd === socket) return;
      const requests = [{ fd, events: POLL.IN }, ...(hasToldEnd ? [] : [hangup])];
      while (attempt(own, ppoll(requests, LOOK_EVERY_MS)) <= 0) lookForSignals();
      check();
    },
    whenWaiting: () => () => undefined,
    watch(signals, lasting = 'every wait') {
      watched = signals;
      ends = lasting;
      interrupted = false;
      return () => {
        watched = [];
      };
    },
    heeded: () => [],
  };
}

/** A set of signals, as the kernel has it: bit n - 1 is signal n. */
export const setOf = (signals: readonly number[]): bigint =>
  signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);

/** The same in memory. */
export const maskOf = (signals: readonly number[]): Uint8Array => u64s(setOf(signals));
