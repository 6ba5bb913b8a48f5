/**
 * Waits on this very thread, briefly. Most containers that somebody waits for in the foreground are gone in a moment.
 * To start the engine's first thread for a wait, and to go there and back, costs as much as the rest of their life.
 */

import { ppoll } from '../../native/calls/poll.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';

/** How long a signal's handler has to wait at most. Where this thread gets the signal, the wait ends at once. */
const ROUND_MS = 10;
const ROUNDS = 6;
/**
 * While data flows, the engine has a turn at least this often. On a busy machine each turn costs as long as the
 * engine's thread waits for a processor.
 */
const FLOWING_MS = 50;

/** One command's brief waits: it has a limited number of rounds. */
export class BriefWait {
  readonly #local: Kernel;
  #rounds = ROUNDS;
  #until = Infinity;

  constructor(local: Kernel) {
    this.#local = local;
  }

  /**
   * To be called when data flows and the engine has just had its turn: so not each piece pays for the way there and
   * back.
   */
  renew(): void {
    this.#rounds = Infinity;
    this.#until = performance.now() + FLOWING_MS;
  }

  /**
   * @returns for each descriptor a number that is not 0 where it is ready. undefined when none is, or a signal came:
   * then the caller waits by the engine, which runs handlers of signals meanwhile
   */
  poll(requests: readonly PollRequest[]): readonly number[] | undefined {
    if (this.#rounds-- <= 0 || (this.#until < Infinity && performance.now() >= this.#until)) return undefined;
    let unknown = attempt(this.#local, ppoll(requests, ROUND_MS));
    if (unknown <= 0) {
      this.#rounds = 0;
      return undefined;
    }
    if (unknown === requests.length) return requests.map(() => 1);
    // The count comes back, and not which ones are ready: so each is asked for alone, until all that are ready are
    // known.
    return requests.map((one) => {
      if (unknown === 0) return 0;
      const ready = Math.max(0, attempt(this.#local, ppoll([one], 0)));
      unknown -= ready;
      return ready;
    });
  }
}
