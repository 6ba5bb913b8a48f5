/** What becomes of those who wait when a runtime is closed. */

/** Ends the waits of a runtime when it is closed. */
export class Closing {
  #controller = new AbortController();

  /** Aborts when the runtime is closed next. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The runtime may be used again: what waits from now on waits for the next time. */
  close(): void {
    const closed = this.#controller;
    this.#controller = new AbortController();
    closed.abort(new DOMException('The runtime was closed.', 'AbortError'));
  }
}
