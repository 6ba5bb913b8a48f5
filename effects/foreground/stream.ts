/**
 * Copies what comes out of one descriptor into another, in steps between two waits: never more than a chunk ahead,
 * so a sink that takes nothing stops its source.
 *
 * Between two pipes much data goes by splice(2), without a copy. What a pipe can hold does not: each piece that is moved keeps a
 * slot of the sink to itself, of which a pipe has 16, where written data fills pages. The pipe of a caller that reads only once
 * we have ended would be full after 16 lines. Once more than a pipe holds has passed, somebody reads.
 */

import { fcntl, pipeHolds, read, splice, write } from '../../native/calls/files.ts';
import { ppoll } from '../../native/calls/poll.ts';
import { receive, sendAtOnce } from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { F } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

/**
 * One end of a stream. A blocking one is touched once each time that poll(2) calls it ready, and written to by a page
 * at the most: that much a pipe that is ready has room for.
 */
export interface End {
  readonly fd: number;
  readonly blocking: boolean;
  /** A pipe without a name, which nobody comes back to once its other side is gone; a socket. */
  readonly kind?: 'pipe' | 'socket' | undefined;
  /** A pipe that may be made larger, so that who writes to it need not wait for each piece to be moved. */
  readonly growing?: boolean;
}

const CHUNK = 32 * 1024;
const PAGE = 4096;
/** As much as a user's pipe may hold. */
const BULK = 1024 * 1024;
const SOON_MS = 1;
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
  /** Small at first: fresh memory is what a cold start pays for. */
  #chunk = out(PAGE);
  #pending: Uint8Array = new Uint8Array(0);
  /** Data comes faster than a chunk at a time, between pipes. */
  #bulk = false;
  /** Splice(2) moved nothing, and the sink may be full. */
  #stuck = false;
  #grown = false;
  #passed = 0;
  /** How much is still to be read once nobody is to write any more. */
  #left = Infinity;
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

  /**
   * What to wait for before the next `advance`. The second is a sink that may be lost meanwhile: whoever writes to the
   * source hears of it then, and what the sink would not take is not read.
   */
  get awaited(): readonly PollRequest[] {
    if (this.stalled) return [{ fd: this.#sink.fd, events: POLL.OUT }];
    const source = { fd: this.#source.fd, events: POLL.IN };
    return this.#sink.kind === 'pipe' ? [source, { fd: this.#sink.fd, events: 0 }] : [source];
  }

  /** Forgets what has not been written. */
  stop(): void {
    this.#done = true;
  }

  /** Has data that the sink does not take at the moment. */
  get stalled(): boolean {
    return this.#pending.length > 0 || this.#stuck;
  }

  /** To be called once one of the `awaited` is ready. @param ready for each of them: not 0 where it is */
  proceed(ready: readonly number[]): void {
    if (ready[1]) this.#finish('broken');
    else if (ready[0]) this.advance();
  }

  /**
   * Copies what can be copied without waiting; to be called once what was awaited is ready.
   * @param drain nobody writes to the source any more: once it is empty the stream has ended
   */
  advance(drain = false): void {
    if (drain) this.#limit();
    let mayWrite = !this.#sink.blocking || this.stalled;
    let mayRead = !this.#source.blocking || !this.stalled;
    for (let turn = 0; turn < CHUNKS_A_TURN && !this.#done; turn++) {
      if (this.#pending.length > 0) {
        if (!mayWrite || !this.#write()) return;
        mayWrite = !this.#sink.blocking;
      } else if (this.#sourceEnded) this.#finish('ended');
      else if (this.#bulk) {
        if (!this.#splice()) return;
      } else {
        if (!mayRead || !this.#read(drain)) return;
        mayRead = !this.#source.blocking;
      }
    }
  }

  /** @returns false where one has to wait, as for `read` */
  #write(): boolean {
    const bytes = this.#sink.blocking ? this.#pending.subarray(0, PAGE) : this.#pending;
    const { fd, kind } = this.#sink;
    const written = attempt(this.#local, kind === 'socket' ? sendAtOnce(fd, bytes) : write(fd, bytes));
    if (written === -ERRNO.EAGAIN || written === -ERRNO.EINTR) return false;
    if (written < 0) this.#finish('broken');
    else this.#pending = this.#pending.subarray(written);
    return true;
  }

  /** Somebody may go on writing to a pipe: what it holds by now is all that is waited for. */
  #limit(): void {
    if (this.#left < Infinity || this.#source.kind !== 'pipe') return;
    const held = out(4);
    if (attempt(this.#local, pipeHolds(this.#source.fd, held)) >= 0) this.#left = viewOf(held.bytes).getUint32(0, true);
  }

  #read(drain: boolean): boolean {
    const { fd, kind } = this.#source;
    const chunk = this.#left < this.#chunk.bytes.length ? out(this.#left) : this.#chunk;
    const length = attempt(this.#local, kind === 'socket' ? receive(fd, chunk) : read(fd, chunk));
    if (length === -ERRNO.EINTR) return false;
    if (length === -ERRNO.EAGAIN) {
      if (drain) this.#finish('ended');
      return false;
    }
    // A master says EIO when the last of its terminal's users is gone and everything has been read.
    if (length <= 0) this.#sourceEnded = true;
    else this.#pending = chunk.bytes.subarray(0, length);
    this.#left -= length;
    this.#passed += Math.max(0, length);
    if (length === CHUNK && this.#passed > BULK && this.#isBetweenPipes) this.#beginBulk();
    // What was read stays where it is until it has been written.
    if (length === PAGE && this.#chunk.bytes.length < CHUNK) this.#chunk = out(CHUNK);
    return true;
  }

  #beginBulk(): void {
    this.#bulk = true;
    // Where the user has too many large pipes it stays as it is.
    if (!this.#grown && this.#source.growing) attempt(this.#local, fcntl(this.#source.fd, F.SETPIPE_SZ, BULK));
    this.#grown = true;
  }

  /** Moves what is there. Little data, and what splice(2) does not do, is left to `read`. */
  #splice(): boolean {
    this.#stuck = false;
    const moved = attempt(this.#local, splice(this.#source.fd, this.#sink.fd, Math.min(BULK, this.#left)));
    if (moved === -ERRNO.EPIPE) this.#finish('broken');
    else if (moved === -ERRNO.EAGAIN) return this.#isReadySoon();
    else if (moved !== -ERRNO.EINTR) {
      this.#left -= Math.max(0, moved);
      this.#bulk = moved >= PAGE && this.#left > 0;
    }
    return moved !== -ERRNO.EINTR;
  }

  /** Splice(2) does not tell which end is not ready. Where the data flows both are at once: a wait for all streams would cost more. */
  #isReadySoon(): boolean {
    const isReady = (fd: number, events: number) => attempt(this.#local, ppoll([{ fd, events }], SOON_MS)) > 0;
    this.#stuck = !isReady(this.#sink.fd, POLL.OUT);
    if (this.#stuck) return false;
    this.#bulk = isReady(this.#source.fd, POLL.IN);
    return true;
  }

  get #isBetweenPipes(): boolean {
    const [source, sink] = [this.#source, this.#sink];
    return source.kind === 'pipe' && sink.kind === 'pipe' && !source.blocking && !sink.blocking;
  }

  #finish(how: 'ended' | 'broken'): void {
    this.#done = true;
    this.#events[how]?.();
  }
}
