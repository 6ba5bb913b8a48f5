/** The terminal of a process, as one stream: what the process writes is read from it, what is typed is written to it. */

import { Duplex } from 'node:stream';
import { getTermios, setWindowSize, TERMIOS_BYTES } from '../../native/calls/terminal.ts';
import { endOfFileKey, windowSize } from '../../native/calls/termios.ts';
import type { Owned } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { Descriptor } from './descriptor.ts';
import type { OpenStreams } from './open-streams.ts';
import { Source } from './reading.ts';
import { writeAll } from './writing.ts';

/** In characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** It ends when no process has the terminal open any more. To destroy it is to hang up: the processes get SIGHUP. */
export class TerminalStream extends Duplex {
  readonly #streams: OpenStreams;
  readonly #descriptor: Descriptor;
  readonly #source: Source;

  /** @internal owns the terminal's master */
  constructor(streams: OpenStreams, master: Owned) {
    super({ allowHalfOpen: false });
    this.#streams = streams;
    this.#descriptor = new Descriptor(streams, master);
    this.#source = new Source(this, this.#descriptor);
    streams.add(this);
  }

  /** Tells the processes a new size (SIGWINCH). Nothing happens to a terminal that has ended. */
  resize(size: TerminalSize): void {
    if (!this.#descriptor.isClosed)
      call(this.#streams.platform.local, setWindowSize(this.#descriptor.fd, windowSize(size)));
  }

  override _read(): void {
    this.#source.next();
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    writeAll(this.#descriptor, chunk).then(() => done(), done);
  }

  /** A terminal has no end of its own. The key for it (Ctrl-D) tells a program that reads lines. */
  override _final(done: (error?: Error | null) => void): void {
    const termios = out(TERMIOS_BYTES);
    const { local } = this.#streams.platform;
    const known = !this.#descriptor.isClosed && attempt(local, getTermios(this.#descriptor.fd, termios)) >= 0;
    const key = known ? endOfFileKey(termios.bytes) : undefined;
    if (key === undefined) done();
    else
      writeAll(this.#descriptor, Uint8Array.of(key)).then(
        () => done(),
        () => done(),
      );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#descriptor.close();
    this.#streams.remove(this);
    done(error);
  }
}
