/** What the streams of one runtime have in common: how they reach the kernel, and that they end with the runtime. */

import type { Platform } from '../../native/platform.ts';

/** As much as a pipe holds, unless somebody has made it larger. */
const PIECE_BYTES = 64 * 1024;

interface Stream {
  destroy(): unknown;
}

export class OpenStreams {
  readonly platform: Pick<Platform, 'local' | 'poll'>;
  /** Every read of every stream goes here first: what came is copied from it. */
  readonly piece = new Uint8Array(PIECE_BYTES);
  readonly #open = new Set<Stream>();

  constructor(platform: Pick<Platform, 'local' | 'poll'>) {
    this.platform = platform;
  }

  add(stream: Stream): void {
    this.#open.add(stream);
  }

  remove(stream: Stream): void {
    this.#open.delete(stream);
  }

  /** Ends them all. */
  close(): void {
    for (const stream of [...this.#open]) stream.destroy();
  }
}
