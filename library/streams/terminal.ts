/** The terminal of a process, as one stream: what the process writes is read, and what is typed is written. */

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
  #descriptor: Descriptor | undefined;
  #source: Source | undefined;
  #size: TerminalSize | undefined;
  #constructed: (() => void) | undefined;

  /** @internal until `open`, what is written waits */
  constructor(streams: OpenStreams) {
    super({ allowHalfOpen: false });
    this.#streams = streams;
    streams.add(this);
  }

  /** @internal takes the terminal's master, which closes with the stream */
  open(master: Owned): void {
    if (this.destroyed) {
      master[Symbol.dispose]();
      return;
    }
    this.#descriptor = new Descriptor(this.#streams, master);
    this.#source = new Source(this, this.#descriptor);
    if (this.#size !== undefined) this.resize(this.#size);
    this.#constructed?.();
  }

  /** Tells the processes a new size (SIGWINCH). Nothing happens to a terminal that has ended. */
  resize(size: TerminalSize): void {
    this.#size = size;
    const descriptor = this.#descriptor;
    if (descriptor === undefined || descriptor.isClosed) return;
    call(this.#streams.platform.local, setWindowSize(descriptor.fd, windowSize(size)));
  }

  /** @internal what has been written so far is read; what others write later is not waited for */
  endWhenEmpty(): void {
    this.#source?.endWhenEmpty();
  }

  override _construct(done: () => void): void {
    if (this.#descriptor === undefined) this.#constructed = done;
    else done();
  }

  override _read(): void {
    this.#source?.next();
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#descriptor === undefined) done();
    else writeAll(this.#descriptor, chunk).then(() => done(), done);
  }

  /** A terminal has no end of its own. The key for it (Ctrl-D) tells a program that reads lines. */
  override _final(done: (error?: Error | null) => void): void {
    const descriptor = this.#descriptor;
    const key = descriptor === undefined || descriptor.isClosed ? undefined : this.#endOfFileKey(descriptor);
    if (descriptor === undefined || key === undefined) done();
    else
      writeAll(descriptor, Uint8Array.of(key)).then(
        () => done(),
        () => done(),
      );
  }

  #endOfFileKey({ fd }: Descriptor): number | undefined {
    const termios = out(TERMIOS_BYTES);
    const got = attempt(this.#streams.platform.local, getTermios(fd, termios));
    return got < 0 ? undefined : endOfFileKey(termios.bytes);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#descriptor?.close();
    this.#streams.remove(this);
    done(error);
  }
}
