/**
 * Takes care that the program has its turns. To make a container keeps the engine busy for a few milliseconds, and the
 * kernel for a few more: when many are asked for at once, only some are worked on at a time. With all of them at once
 * nothing would be done sooner. But whatever the program waits for, it would wait for longer, since hundreds of
 * processes would want a processor, and the kernel's locks on cgroups.
 */

import { unless } from './unless.ts';

/** What takes longer than this waits for something itself, a hook or a lock, and makes room for others. */
const LASTING_MS = 50;

export class Turns {
  #waiting: (() => void)[] = [];
  readonly #most: number;
  #isTaken = false;
  #working = 0;

  /** @param most how many pieces of work go on at a time */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether some work goes on besides that of whoever asks. */
  get areContended(): boolean {
    return this.#working > 1;
  }

  /**
   * Performs a piece of work when it is its turn: each begins in a turn of the event loop of its own.
   * @throws the signal's reason, where it aborts before that; what the action throws
   */
  async work<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#take(signal);
    this.#working++;
    let isIn = true;
    const leave = (): void => {
      if (!isIn) return;
      isIn = false;
      this.#working--;
      this.#next();
    };
    const lasting = setTimeout(leave, LASTING_MS).unref();
    try {
      return await action();
    } finally {
      clearTimeout(lasting);
      leave();
    }
  }

  /** Nobody waits where nobody else has begun something in this turn, and few are at work. */
  async #take(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#isTaken && this.#working < this.#most) return this.#begin();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await unless(signal, promise);
    } catch (error) {
      // Where its turn has come by now, that ends by itself.
      this.#waiting = this.#waiting.filter((one) => one !== resolve);
      throw error;
    }
  }

  #begin(): void {
    this.#isTaken = true;
    setImmediate(() => {
      this.#isTaken = false;
      this.#next();
    });
  }

  #next(): void {
    if (this.#isTaken || this.#working >= this.#most) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#begin();
    next();
  }
}
