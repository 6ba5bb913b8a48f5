/** What a process reads, as a stream of Node's. */

import { Writable } from 'node:stream';
import { POLL } from '../../native/constants/socket.ts';
import type { Owned } from '../../native/kernel/owned.ts';
import { Descriptor } from './descriptor.ts';
import type { OpenStreams } from './open-streams.ts';

/** Writes all of it, as fast as the other side takes it. @throws SyscallError EPIPE where nobody reads any more */
export async function writeAll(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length && !descriptor.isClosed; ) {
    const n = descriptor.write(bytes.subarray(at));
    at += n;
    if (n === 0) await descriptor.ready(POLL.OUT);
    else if (descriptor.hasWorkedLong) await new Promise(setImmediate);
  }
}

/** Owns the writing end of a pipe. */
export class InputStream extends Writable {
  readonly #streams: OpenStreams;
  readonly #descriptor: Descriptor;

  constructor(streams: OpenStreams, pipe: Owned) {
    super({ decodeStrings: true });
    this.#streams = streams;
    this.#descriptor = new Descriptor(streams, pipe);
    streams.add(this);
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    writeAll(this.#descriptor, chunk).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#descriptor.close();
    this.#streams.remove(this);
    done(error);
  }
}
