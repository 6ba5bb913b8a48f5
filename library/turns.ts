/**
 * Takes care that the program has its turns. To make a container keeps the engine busy for a few milliseconds: when
 * many are asked for at once, they are begun one in each turn of the event loop.
 */

export class Turns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Waits for one turn of the event loop. Nobody waits where nobody else has begun something in this turn. */
  take(): Promise<void> {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    setImmediate(() => this.#next());
    return Promise.resolve();
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#isTaken = false;
      return;
    }
    setImmediate(() => this.#next());
    next();
  }
}
