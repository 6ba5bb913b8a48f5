/**
 * Copies what comes out of one descriptor into another, in steps between two waits. It never reads more than a chunk
 * ahead, so a sink that takes nothing stops its source.
 *
 * Much data between two pipes goes by splice(2), without a copy. But as much as a pipe can hold is copied first. Each
 * piece that splice(2) moves keeps a slot of the sink to itself, of which a pipe has 16, while written data fills
 * pages. So the pipe of a caller that reads only once we have ended would be full after 16 lines. When more has passed
 * than a pipe holds, somebody reads.
 */

import { fcntl, pipeHolds, read, splice, write } from '../../native/calls/files.ts';
import { ppoll } from '../../native/calls/poll.ts';
import { receive, sendAtOnce } from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { F } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

/**
 * One end of a stream. A blocking one is touched once each time that poll(2) calls it ready, and gets a page at most:
 * a pipe that is ready has room for that much.
 */
export interface End {
  readonly fd: Fd;
  readonly blocking: boolean;
  /** `pipe` is one without a name: nobody comes back to it once its other side is gone. */
  readonly kind?: 'pipe' | 'socket' | undefined;
  /** A pipe that may be made larger, so that whoever writes to it need not wait for each piece to be moved. */
  readonly growing?: boolean;
}

const CHUNK = 32 * 1024;
const PAGE = 4096;
/** As much as the pipe of an ordinary user may hold (pipe(7), `pipe-max-size`). */
const BULK = 1024 * 1024;
const SOON_MS = 1;
/** After so many chunks others have their turn: signals, and the other streams. */
const CHUNKS_A_TURN = 16;

interface StreamEvents {
  /** The source has come to its end, and everything has been written. */
  ended?(): void;
  /** The sink takes no more. */
  broken?(): void;
}

export class Stream {
  readonly #local: Kernel;
  readonly #source: End;
  readonly #sink: End;
  readonly #events: StreamEvents;
  /** Small at first: a cold start pays for fresh memory. */
  #chunk = out(PAGE);
  #pending: Uint8Array = new Uint8Array(0);
  /** Data comes faster than a chunk at a time, between pipes. */
  #bulk = false;
  /** splice(2) moved nothing, since the sink is full. */
  #stuck = false;
  #grown = false;
  #passed = 0;
  /** How many bytes are still to be read, once whatever is written from now on does not count. */
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
   * What to wait for before the next `advance`. The second request is for a sink that may be lost meanwhile. Then the
   * source is closed at once, so that whoever writes to it hears of it, and nothing is read in vain.
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

  /** Whether it has data that the sink does not take at the moment. */
  get stalled(): boolean {
    return this.#pending.length > 0 || this.#stuck;
  }

  /**
   * To be called once one of the `awaited` is ready.
   * @param ready for each of them a number, which is not 0 where it is
   */
  proceed(ready: readonly number[]): void {
    if (ready[1]) this.#finish('broken');
    else if (ready[0]) this.advance();
  }

  /**
   * Copies what can be copied without waiting. To be called once what was awaited is ready.
   * @param drain whether the stream has ended once the source is empty, since what others write does not count
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

  /** @returns false where the stream has to wait before it goes on */
  #write(): boolean {
    const bytes = this.#sink.blocking ? this.#pending.subarray(0, PAGE) : this.#pending;
    const { fd, kind } = this.#sink;
    const written = attempt(this.#local, kind === 'socket' ? sendAtOnce(fd, bytes) : write(fd, bytes));
    if (written === -ERRNO.EAGAIN || written === -ERRNO.EINTR) return false;
    if (written < 0) this.#finish('broken');
    else this.#pending = this.#pending.subarray(written);
    return true;
  }

  /** Somebody may go on writing to a pipe without end. So what it holds by now is all that is read. */
  #limit(): void {
    if (this.#left < Infinity || this.#source.kind !== 'pipe') return;
    const held = out(4);
    if (attempt(this.#local, pipeHolds(this.#source.fd, held)) >= 0) this.#left = viewOf(held.bytes).getUint32(0, true);
  }

  /** @returns as `#write` does */
  #read(drain: boolean): boolean {
    const { fd, kind } = this.#source;
    const chunk = this.#left < this.#chunk.bytes.length ? out(this.#left) : this.#chunk;
    const length = attempt(this.#local, kind === 'socket' ? receive(fd, chunk) : read(fd, chunk));
    if (length === -ERRNO.EINTR) return false;
    if (length === -ERRNO.EAGAIN) {
      if (drain) this.#finish('ended');
      return false;
    }
    // A terminal's master answers EIO when the last user of the terminal is gone and everything has been read.
    if (length <= 0) this.#sourceEnded = true;
    else this.#pending = chunk.bytes.subarray(0, length);
    this.#left -= length;
    this.#passed += Math.max(0, length);
    if (length === CHUNK && this.#passed > BULK && this.#isBetweenPipes) this.#beginBulk();
    // The next chunk is a larger one. What was read stays in this one until it has been written.
    if (length === PAGE && this.#chunk.bytes.length < CHUNK) this.#chunk = out(CHUNK);
    return true;
  }

  #beginBulk(): void {
    this.#bulk = true;
    // The call fails where the user has too many large pipes; then the pipe stays as it is.
    if (!this.#grown && this.#source.growing) attempt(this.#local, fcntl(this.#source.fd, F.SETPIPE_SZ, BULK));
    this.#grown = true;
  }

  /**
   * Moves what is there. Little data is left to `#read`, and so is what splice(2) cannot do.
   * @returns as `#write` does
   */
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

  /**
   * splice(2) does not tell which end is not ready. Where data flows, both are ready in a moment: so a short wait for
   * this stream alone costs less than one for all streams.
   */
  #isReadySoon(): boolean {
    const isReady = (fd: Fd, events: number) => attempt(this.#local, ppoll([{ fd, events }], SOON_MS)) > 0;
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
