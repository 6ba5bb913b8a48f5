/** What is kept of a stream for the one who only asks for the result. */

import type { OutputStream } from './reading.ts';
import type { TerminalStream } from './terminal.ts';

export interface Kept {
  /** Up to the limit, as UTF-8. */
  text(): string;
  readonly isTruncated: boolean;
  /** What has been written so far is kept; what others write later is not waited for. */
  stop(): void;
  /** When the stream has ended. */
  readonly ended: Promise<void>;
}

/** Reads a stream to its end. @param limit how many bytes are kept. More is read, and forgotten */
export function keep(stream: OutputStream | TerminalStream, limit: number): Kept {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let isTruncated = false;
  stream.on('data', (chunk: Uint8Array) => {
    const piece = chunk.length > limit - kept ? chunk.subarray(0, limit - kept) : chunk;
    if (piece.length < chunk.length) isTruncated = true;
    if (piece.length === 0) return;
    kept += piece.length;
    chunks.push(piece);
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // A stream that fails, or that somebody destroys, has ended too.
  stream.on('error', () => undefined);
  stream.once('close', resolve);
  if (stream.closed) resolve();
  return {
    text: () => new TextDecoder().decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)),
    get isTruncated() {
      return isTruncated;
    },
    stop: () => stream.endWhenEmpty(),
    ended,
  };
}
