/**
 * Waiting on this very thread, briefly. Most containers that somebody waits for in the foreground are gone in a moment;
 * the engine's first thread for a wait, and the way there and back, cost as much as all of that.
 */

import { ppoll } from '../../native/calls/poll.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';

/** A signal's handler waits so long at the most, unless the signal ends the wait, as it does when this thread gets it. */
const ROUND_MS = 10;
const ROUNDS = 6;
/** While data flows, the engine has a turn at least this often: on a busy machine each costs as long as its thread waits for a processor. */
const FLOWING_MS = 50;

/** Waits as long as it is worth it: the rounds of one command are counted. */
export class BriefWait {
  readonly #local: Kernel;
  #rounds = ROUNDS;
  #until = Infinity;

  constructor(local: Kernel) {
    this.#local = local;
  }

  /** Data flows, and the engine has just had its turn: the way there and back is not to be paid for each piece. */
  renew(): void {
    this.#rounds = Infinity;
    this.#until = performance.now() + FLOWING_MS;
  }

  /**
   * @returns for each descriptor whether it is ready, as a number for poll's; undefined when none is, or a signal came:
   * then the engine's own wait, which runs handlers, is due
   */
  poll(requests: readonly PollRequest[]): readonly number[] | undefined {
    if (this.#rounds-- <= 0 || (this.#until < Infinity && performance.now() >= this.#until)) return undefined;
    let unknown = attempt(this.#local, ppoll(requests, ROUND_MS));
    if (unknown <= 0) {
      this.#rounds = 0;
      return undefined;
    }
    if (unknown === requests.length) return requests.map(() => 1);
    // The answer in the memory that was passed does not come back; the count does, so each is asked for itself too.
    return requests.map((one) => {
      if (unknown === 0) return 0;
      const ready = Math.max(0, attempt(this.#local, ppoll([one], 0)));
      unknown -= ready;
      return ready;
    });
  }
}
