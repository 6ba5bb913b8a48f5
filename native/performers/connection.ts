/**
 * One init behind its socket: the batches that are sent to it, and the answers that it gives. remote.ts has the layout.
 */

import { ERRNO } from '../constants/errno.ts';
import { MSG, SO, SOL_SOCKET } from '../constants/socket.ts';
import { SYSNO } from '../constants/sysno.ts';
import { type Call, LostPeerError, type Out, type Outcome, type Settle } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { u64s } from '../kernel/struct.ts';
import type { Libc } from '../libraries/libc.ts';
import { readAnswer } from './answer.ts';
import { AFTER, type Message, type MessageWriter } from './message.ts';

/** What the connections to all inits of this process share: they take turns. */
export interface Wire {
  readonly libc: Libc;
  /** Of the system call numbers: 0 for x86-64, 1 for arm64. */
  readonly column: 0 | 1;
  readonly write: MessageWriter;
  /** Is called while an answer is waited for, and may end the wait by throwing. */
  readonly awaitReadable: (socket: Fd) => void;
  /** The answer that is being read. It grows. */
  answer: Uint8Array<ArrayBuffer>;
}

interface Posted {
  readonly calls: readonly Call[];
  readonly settle: Settle;
  /** Where its out buffers are in its answer. */
  readonly outs: ReadonlyMap<Out, number>;
  readonly answerBytes: number;
}

/** A read that waits longer asks whether it is to go on. Most answers come sooner: to ask before each costs 0.1 ms. */
const ASK_AFTER_MS = 50;

/** How many bytes of answers may wait to be read. A socket holds much more, so the init never waits for us to read. */
const MOST_UNREAD = 64 * 1024;

/** struct timeval: seconds and microseconds. */
const TIMEVAL = u64s(0, ASK_AFTER_MS * 1000);

export class InitConnection {
  readonly performer: string;
  readonly #wire: Wire;
  readonly #socket: Fd;
  /** The batches whose answers have not been read, in the order in which they were sent. */
  #posted: Posted[] = [];
  #unread = 0;
  /** Answers that came before anybody waited for them. */
  #early = new Uint8Array(0);
  #isTimed = false;

  /** @param socket this side of a connected stream socket; whoever made it closes it */
  constructor(wire: Wire, socket: Fd, performer: string) {
    this.#wire = wire;
    this.#socket = socket;
    this.performer = performer;
  }

  submit(calls: readonly Call[]): Outcome {
    this.flush();
    let outcome: Outcome = { results: [], stoppedAt: undefined };
    this.#write(calls, (own) => {
      outcome = own;
    });
    this.flush();
    return outcome;
  }

  post(calls: readonly Call[], settle: Settle): void {
    this.#makeRoom();
    this.#write(calls, settle);
  }

  /** Posts a batch that has been written already. */
  postMessage(message: Message, calls: readonly Call[], settle: Settle): void {
    this.#makeRoom();
    message.bytes[AFTER] = this.#posted.length > 0 ? 1 : 0;
    this.#send(message, calls, settle);
  }

  /** Reads the answers to all that was posted. A batch that the init left alone is sent again, until none is left. */
  flush(): void {
    while (this.#posted.length > 0) {
      const round = this.#posted;
      let awaited = this.#unread;
      this.#posted = [];
      this.#unread = 0;
      let skips = false;
      const outcomes = round.map((one) => {
        const outcome = this.#receive(one, skips, awaited);
        awaited -= one.answerBytes;
        skips = outcome === undefined || outcome.stoppedAt !== undefined;
        return outcome;
      });
      const skipped = outcomes.indexOf(undefined);
      const settled = skipped < 0 ? round.length : skipped;
      for (let i = 0; i < settled; i++) {
        const outcome = outcomes[i];
        if (outcome !== undefined) round[i]?.settle(outcome);
      }
      for (const { calls, settle } of round.slice(settled)) this.#write(calls, settle);
    }
  }

  /**
   * Waits until the answers to all that was posted are there, without stopping the engine: `flush` need not wait then.
   * @param readable waits until the socket can be read, or for a while: somebody else may have read it meanwhile
   */
  async arrive(readable: (socket: Fd) => Promise<void>): Promise<void> {
    const wanted = this.#unread;
    const early = new Uint8Array(wanted);
    let have = this.#early.length;
    early.set(this.#early.subarray(0, wanted));
    while (have < wanted) {
      const n = this.#receiveNow(early.subarray(have));
      if (n > 0) have += n;
      // What the end of the connection means is for `flush` to find out.
      if (n === 0) break;
      this.#early = early.subarray(0, have);
      if (n < 0) await readable(this.#socket);
      // Somebody may have waited for the answers meanwhile.
      if (this.#unread !== wanted || this.#early.length !== have) return;
    }
  }

  /** @returns how many bytes came: 0 at the end, -1 where there is nothing yet */
  #receiveNow(into: Uint8Array): number {
    const { libc, column } = this.#wire;
    const address = Number(libc.koffi.address(into));
    const n = Number(libc.syscall(SYSNO.recvfrom[column], this.#socket, address, into.length, MSG.DONTWAIT, 0, 0));
    return n >= 0 ? n : libc.errno() === ERRNO.EAGAIN || libc.errno() === ERRNO.EINTR ? -1 : 0;
  }

  #makeRoom(): void {
    if (this.#unread > MOST_UNREAD) this.flush();
  }

  #write(calls: readonly Call[], settle: Settle): void {
    this.#send(this.#wire.write(calls, this.#posted.length > 0), calls, settle);
  }

  #send({ bytes, size, outs, answerBytes }: Message, calls: readonly Call[], settle: Settle): void {
    this.#transfer('sendto', bytes, size);
    this.#posted.push({ calls, settle, outs, answerBytes });
    this.#unread += answerBytes;
  }

  /**
   * Reads the answer to one batch.
   * @param skips whether the init was to leave it alone, since the batch before it was stopped or left alone
   * @param awaited the bytes of this answer and of those behind it. What has come of them is read along: each read
   *   wakes the other process, which waits on the same socket
   * @returns undefined for a batch that was left alone
   */
  #receive({ calls, outs, answerBytes }: Posted, skips: boolean, awaited: number): Outcome | undefined {
    const wire = this.#wire;
    while (wire.answer.length < answerBytes) wire.answer = new Uint8Array(wire.answer.length * 2);
    const { answer } = wire;
    this.#transfer('read', answer, answerBytes, Math.min(awaited, answer.length));
    const outcome = readAnswer(this.performer, calls, new Int32Array(answer.buffer, 0, 2 + 2 * calls.length), skips);
    if (outcome === undefined) return undefined;
    for (const [out, at] of outs) out.bytes.set(answer.subarray(at, at + out.bytes.length));
    return outcome;
  }

  /** Moves `size` bytes from or to the beginning of `bytes`. @param most bytes may be read. The others are early */
  #transfer(direction: 'sendto' | 'read', bytes: Uint8Array, size: number, most = size): void {
    if (direction === 'read' && !this.#isTimed) this.#timeReads();
    const { libc, column, awaitReadable } = this.#wire;
    const address = Number(libc.koffi.address(bytes));
    const nr = SYSNO[direction][column];
    let moved = direction === 'read' ? this.#takeEarly(bytes, size) : 0;
    while (moved < size) {
      const n = Number(libc.syscall(nr, this.#socket, address + moved, most - moved, MSG.NOSIGNAL, 0, 0));
      if (n > 0) moved += n;
      else if (n < 0 && libc.errno() === ERRNO.EAGAIN) awaitReadable(this.#socket);
      else if (n === 0 || libc.errno() !== ERRNO.EINTR) throw new LostPeerError(this.performer);
    }
    if (moved > size) this.#early = bytes.slice(size, moved);
  }

  #takeEarly(bytes: Uint8Array, size: number): number {
    const taken = this.#early.subarray(0, size);
    if (taken.length === 0) return 0;
    bytes.set(taken);
    this.#early = this.#early.subarray(taken.length);
    return taken.length;
  }

  /** Has reads fail with EAGAIN once they have waited for a while (SO_RCVTIMEO, socket(7)). */
  #timeReads(): void {
    this.#isTimed = true;
    const { libc, column } = this.#wire;
    const address = Number(libc.koffi.address(TIMEVAL));
    libc.syscall(SYSNO.setsockopt[column], this.#socket, SOL_SOCKET, SO.RCVTIMEO, address, TIMEVAL.length, 0);
  }
}
