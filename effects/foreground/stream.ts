/**
 * Copies what comes out of one descriptor into another, in steps between two waits: never more than a chunk ahead,
 * so a sink that takes nothing stops its source.
 */

import { read, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import { out } from '../../native/kernel/struct.ts';

/**
 * One end of a stream. A blocking one is touched once each time that poll(2) calls it ready, and written to by a page
 * at the most: that much a pipe that is ready has room for.
 */
export interface End {
  readonly fd: number;
  readonly blocking: boolean;
}

const CHUNK = 32 * 1024;
const PAGE = 4096;
/** Then others have their turn: signals, and the other streams. */
const CHUNKS_A_TURN = 16;

interface StreamEvents {
  /** The source has come to its end, and all of it has been written. */
  ended?(): void;
  /** The sink takes no more. */
  broken?(): void;
}

export class Stream {
  readonly #local: Kernel;
  readonly #source: End;
  readonly #sink: End;
  readonly #events: StreamEvents;
  readonly #chunk = out(CHUNK);
  #pending: Uint8Array = new Uint8Array(0);
  #sourceEnded = false;
  #done = false;

  constructor(local: Kernel, source: End, sink: End, events: StreamEvents = {}) {
    this.#local = local;
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
  }

  get done(): boolean {
    return this.#done;
  }

  /** What to wait for before the next `advance`. */
  get awaited(): PollRequest {
    return this.#pending.length > 0
      ? { fd: this.#sink.fd, events: POLL.OUT }
      : { fd: this.#source.fd, events: POLL.IN };
  }

  /** Forgets what has not been written. */
  stop(): void {
    this.#done = true;
  }

  /** Has data that the sink does not take at the moment. */
  get stalled(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * Copies what can be copied without waiting; to be called once what was awaited is ready.
   * @param drain nobody writes to the source any more: once it is empty the stream has ended
   */
  advance(drain = false): void {
    let mayWrite = !this.#sink.blocking || this.stalled;
    let mayRead = !this.#source.blocking || !this.stalled;
    for (let turn = 0; turn < CHUNKS_A_TURN && !this.#done; turn++) {
      if (this.stalled) {
        if (!mayWrite || !this.#write()) return;
        mayWrite = !this.#sink.blocking;
      } else if (this.#sourceEnded) this.#finish('ended');
      else {
        if (!mayRead || !this.#read(drain)) return;
        mayRead = !this.#source.blocking;
      }
    }
  }

  /** @returns false where one has to wait, as for `read` */
  #write(): boolean {
    const bytes = this.#sink.blocking ? this.#pending.subarray(0, PAGE) : this.#pending;
    const written = attempt(this.#local, write(this.#sink.fd, bytes));
    if (written === -ERRNO.EAGAIN || written === -ERRNO.EINTR) return false;
    if (written < 0) this.#finish('broken');
    else this.#pending = this.#pending.subarray(written);
    return true;
  }

  #read(drain: boolean): boolean {
    const length = attempt(this.#local, read(this.#source.fd, this.#chunk));
    if (length === -ERRNO.EINTR) return false;
    if (length === -ERRNO.EAGAIN) {
      if (drain) this.#finish('ended');
      return false;
    }
    // A master says EIO when the last of its terminal's users is gone and everything has been read.
    if (length <= 0) this.#sourceEnded = true;
    else this.#pending = this.#chunk.bytes.slice(0, length);
    return true;
  }

  #finish(how: 'ended' | 'broken'): void {
    this.#done = true;
    this.#events[how]?.();
  }
}
