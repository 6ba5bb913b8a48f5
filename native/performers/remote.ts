/**
 * The kernel as an init reaches it: batches over a socket, performed by native/init/init.c.
 *
 * A message (little-endian, sizes in bytes) is laid out exactly as the init's memory will hold it:
 *   u32 size, count, outBytes, after · count × { u32 nr, flags; u64 args[6] } · what the arguments point to
 * The answer, made in the second half of the init's arena: u64 done · count × i64 results · the out buffers.
 * `after` is 1 for a batch that is only performed where the one before it was not stopped: else its answer has done = -1.
 * So several may be under way at once.
 */

import { ERRNO } from '../constants/errno.ts';
import { MSG } from '../constants/socket.ts';
import { SYSNO } from '../constants/sysno.ts';
import {
  type Ahead,
  type Call,
  type Kernel,
  LostPeerError,
  type Out,
  type Outcome,
  type Settle,
} from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import type { Libc } from '../libraries/libc.ts';
import { readAnswer } from './answer.ts';
import { AFTER, type Message, messageWriter } from './message.ts';

interface Posted {
  readonly calls: readonly Call[];
  readonly settle: Settle;
  /** Its out buffers' places in its answer, and the answer's size. */
  readonly outs: ReadonlyMap<Out, number>;
  readonly answerBytes: number;
}

/** What may wait to be read: much less than a socket holds, or both sides would wait for each other. */
const MOST_UNREAD = 64 * 1024;

/**
 * All inits of a process share the memory that messages are written in.
 * @param awaitReadable is called before each wait for an answer, and may end it by throwing
 */
export function remoteKernels(
  libc: Libc,
  awaitReadable: (socket: Fd) => void = () => undefined,
): (socket: Fd, performer: string) => Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;
  const write = messageWriter(column);
  let answer = new Uint8Array(4096);

  /** @param socket this side of a connected stream socket; whoever made it closes it */
  return (socket, performer) => {
    let posted: Posted[] = [];
    let unread = 0;

    /** Moves `size` bytes at `bytes`. */
    function transfer(direction: 'sendto' | 'read', bytes: Uint8Array, size: number): void {
      const address = Number(libc.koffi.address(bytes));
      const nr = SYSNO[direction][column];
      for (let moved = 0; moved < size; ) {
        if (direction === 'read') awaitReadable(socket);
        const n = Number(libc.syscall(nr, socket, address + moved, size - moved, MSG.NOSIGNAL, 0, 0));
        if (n > 0) moved += n;
        else if (n === 0 || libc.errno() !== ERRNO.EINTR) throw new LostPeerError(performer);
      }
    }

    const send = (calls: readonly Call[], settle: Settle): void =>
      sendMessage(write(calls, posted.length > 0), calls, settle);

    function sendMessage({ bytes, size, outs, answerBytes }: Message, calls: readonly Call[], settle: Settle): void {
      transfer('sendto', bytes, size);
      posted.push({ calls, settle, outs, answerBytes });
      unread += answerBytes;
    }

    /**
     * @param skips whether the batch before it was stopped, or was skipped
     * @returns undefined for a batch that was not performed therefore
     */
    function receive({ calls, outs, answerBytes }: Posted, skips: boolean): Outcome | undefined {
      while (answer.length < answerBytes) answer = new Uint8Array(answer.length * 2);
      transfer('read', answer, answerBytes);
      const outcome = readAnswer(performer, calls, new Int32Array(answer.buffer, 0, 2 + 2 * calls.length), skips);
      if (outcome === undefined) return undefined;
      for (const [out, at] of outs) out.bytes.set(answer.subarray(at, at + out.bytes.length));
      return outcome;
    }

    function flush(): void {
      while (posted.length > 0) {
        const round = posted;
        posted = [];
        unread = 0;
        let skips = false;
        const outcomes = round.map((one) => {
          const outcome = receive(one, skips);
          skips = outcome === undefined || outcome.stoppedAt !== undefined;
          return outcome;
        });
        const skipped = outcomes.indexOf(undefined);
        const settled = skipped < 0 ? round.length : skipped;
        for (let i = 0; i < settled; i++) {
          const outcome = outcomes[i];
          if (outcome !== undefined) round[i]?.settle(outcome);
        }
        for (const { calls, settle } of round.slice(settled)) send(calls, settle);
      }
    }

    function ahead(): Ahead {
      const written: { readonly message: Message; readonly calls: readonly Call[]; readonly settle: Settle }[] = [];
      let isPosted = false;
      const wait = (): void => {
        if (!isPosted) throw new TypeError('what is written ahead has not been performed');
        flush();
      };
      return {
        kernel: {
          performer,
          submit(calls) {
            wait();
            return kernel.submit(calls);
          },
          post(calls, settle) {
            if (isPosted) return post(calls, settle);
            const message = write(calls, true);
            written.push({ message: { ...message, bytes: message.bytes.slice(0, message.size) }, calls, settle });
          },
          flush: wait,
        },
        post() {
          isPosted = true;
          for (const { message, calls, settle } of written.splice(0)) {
            if (unread > MOST_UNREAD) flush();
            message.bytes[AFTER] = posted.length > 0 ? 1 : 0;
            sendMessage(message, calls, settle);
          }
        },
      };
    }

    function post(calls: readonly Call[], settle: Settle): void {
      if (unread > MOST_UNREAD) flush();
      send(calls, settle);
    }

    const kernel: Kernel = {
      performer,
      submit(calls) {
        flush();
        let outcome: Outcome = { results: [], stoppedAt: undefined };
        send(calls, (own) => {
          outcome = own;
        });
        flush();
        return outcome;
      },
      post,
      flush,
      ahead,
    };
    return kernel;
  };
}

/** One init alone. */
export const remoteKernel = (libc: Libc, socket: Fd, performer: string): Kernel =>
  remoteKernels(libc)(socket, performer);
