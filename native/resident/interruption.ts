/**
 * Ends waits where the caller of a resident engine is gone, or was told to end. It is the caller that gets signals: it
 * catches them (native/launcher/signals.h), and is asked which ones have come.
 */

import { ppoll } from '../calls/poll.ts';
import { SIGNALS } from '../constants/signal.ts';
import { POLL } from '../constants/socket.ts';
import { type Call, type Kernel, LostPeerError } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, post } from '../kernel/perform.ts';
import type { PollRequest } from '../kernel/poll.ts';
import { out, viewOf } from '../kernel/struct.ts';
import { InterruptedError, type Interruption } from '../performers/interruption.ts';

/** How often the caller is asked. */
const LOOK_EVERY_MS = 100;
/** A wait that is longer lasts, whatever the reason. */
const LASTING_MS = 50;

/** signals.h has the same. */
const CATCH = { NOT: 0, EACH: 1, ONCE: 2 } as const;

/** struct sigaction as the kernel has it: the handler comes first. */
const ACTION_BYTES = 32;
const MASK_BYTES = 8;
const SIG_IGN = 1n;

export interface CallersInterruption extends Interruption {
  /** @throws InterruptedError, once, where the caller is gone */
  check(): void;
  /** Has the caller catch signals from now on. */
  catchSignals(signals: readonly number[]): void;
  /** What to poll besides, to hear that the caller is gone; nothing where that has been said. */
  readonly leaving: readonly PollRequest[];
}

/**
 * @param own this process
 * @param body the caller's kernel, behind `socket`
 */
export function callersInterruption(own: Kernel, body: Kernel, socket: Fd): CallersInterruption {
  let watched: readonly number[] = [];
  let prepared: (() => void) | undefined;
  let ends: 'every wait' | 'one wait' = 'every wait';
  let interrupted = false;
  let hasToldEnd = false;
  /** Those that are caught while nobody watches. */
  let caught: readonly number[] = [];

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
    const come = attempt(body, { name: 'client_caught_signals', args: [setOf(watched)] });
    const signal = watched.find((one) => come > 0 && (come & (1 << (one - 1))) !== 0);
    if (signal !== undefined) interrupt(signal);
  }

  /** @returns whether it, or the end of the caller, came within that time */
  const comes = (fd: Fd, milliseconds: number): boolean =>
    attempt(own, ppoll([{ fd, events: POLL.IN }, ...(hasToldEnd ? [] : [hangup])], milliseconds)) > 0;

  /** A caller that is gone has no handlers. */
  function tell(signals: readonly number[], how: number): void {
    try {
      if (signals.length > 0) post(body, [catching(signals, how)], () => undefined);
    } catch (error) {
      if (!(error instanceof LostPeerError)) throw error;
    }
  }

  return {
    check,
    catchSignals(signals) {
      caught = signals;
      tell(signals, CATCH.EACH);
    },
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
      if (prepared !== undefined && !comes(fd, LASTING_MS)) {
        const prepare = prepared;
        prepared = undefined;
        prepare();
      }
      while (!comes(fd, LOOK_EVERY_MS)) lookForSignals();
      check();
    },
    whenWaiting(prepare) {
      prepared = prepare;
      return () => {
        prepared = undefined;
      };
    },
    watch(signals, lasting = 'every wait') {
      watched = signals;
      ends = lasting;
      interrupted = false;
      // The next one of the same kind ends the caller at once.
      tell(signals, CATCH.ONCE);
      return () => {
        watched = [];
        tell(
          signals.filter((signal) => caught.includes(signal)),
          CATCH.EACH,
        );
        tell(
          signals.filter((signal) => !caught.includes(signal)),
          CATCH.NOT,
        );
      };
    },
    heeded(signals) {
      const actions = signals.map((signal) => ({ signal, action: out(ACTION_BYTES) }));
      body.submit(
        actions.map(({ signal, action }) => ({ name: 'rt_sigaction', args: [signal, null, action, MASK_BYTES] })),
      );
      return actions
        .filter(({ action }) => viewOf(action.bytes).getBigUint64(0, true) !== SIG_IGN)
        .map(({ signal }) => signal);
    },
  };
}

const catching = (signals: readonly number[], how: number): Call => ({
  name: 'client_catch_signals',
  args: [setOf(signals), how],
});

/** A set of signals below 32: bit n - 1 is signal n. */
export const setOf = (signals: readonly number[]): number =>
  signals.reduce((set, signal) => (set | (1 << (signal - 1))) >>> 0, 0);
