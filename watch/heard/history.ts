/** The last lines, for whoever begins to watch later. */

import type { Line } from '../../spec/watch/lines.ts';

/** As many as the page is readable with. */
const LINES_KEPT = 10_000;

export class History {
  #lines: Line[] = [];

  add(line: Line): void {
    this.#lines.push(line);
    // Not at each line: to move ten thousand of them takes time.
    if (this.#lines.length >= LINES_KEPT * 2) this.#lines = this.#lines.slice(-LINES_KEPT);
  }

  get lines(): readonly Line[] {
    return this.#lines.slice(-LINES_KEPT);
  }
}
