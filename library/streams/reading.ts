/** What a process writes, as a stream of Node's. */

import { type Duplex, Readable } from 'node:stream';
import { POLL } from '../../native/constants/socket.ts';
import type { Owned } from '../../native/kernel/owned.ts';
import { Descriptor } from './descriptor.ts';
import type { OpenStreams } from './open-streams.ts';

/** Reads a descriptor for a stream, as fast as the stream's reader takes it. */
export class Source {
  readonly #stream: Readable | Duplex;
  readonly #descriptor: Descriptor;
  #endsWhenEmpty = false;

  constructor(stream: Readable | Duplex, descriptor: Descriptor) {
    this.#stream = stream;
    this.#descriptor = descriptor;
  }

  /** For `_read`. */
  next(): void {
    const descriptor = this.#descriptor;
    if (descriptor.isClosed) return;
    if (descriptor.hasWorkedLong) setImmediate(() => this.#read());
    else this.#read();
  }

  /** What has been written so far is read; what others write later is not waited for. */
  endWhenEmpty(): void {
    this.#endsWhenEmpty = true;
    this.#descriptor.interrupt();
  }

  #read(): void {
    const stream = this.#stream;
    if (this.#descriptor.isClosed) return;
    try {
      const found = this.#descriptor.read();
      if (found === 'end') stream.push(null);
      else if (found !== 'nothing') stream.push(found);
      else if (this.#endsWhenEmpty) stream.push(null);
      else void this.#wait();
    } catch (error) {
      stream.destroy(error as Error);
    }
  }

  async #wait(): Promise<void> {
    try {
      await this.#descriptor.ready(POLL.IN);
      this.#read();
    } catch (error) {
      this.#stream.destroy(error as Error);
    }
  }
}

/** Owns the reading end of a pipe. */
export class OutputStream extends Readable {
  readonly #streams: OpenStreams;
  readonly #descriptor: Descriptor;
  readonly #source: Source;

  constructor(streams: OpenStreams, pipe: Owned) {
    super();
    this.#streams = streams;
    this.#descriptor = new Descriptor(streams, pipe);
    this.#source = new Source(this, this.#descriptor);
    streams.add(this);
  }

  /** What has been written so far is read; what others write later is not waited for. */
  endWhenEmpty(): void {
    this.#source.endWhenEmpty();
  }

  override _read(): void {
    this.#source.next();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#descriptor.close();
    this.#streams.remove(this);
    done(error);
  }
}
