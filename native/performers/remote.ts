/**
 * The kernel as an init reaches it: batches over a socket, performed by native/init/init.c.
 *
 * A message (little-endian, sizes in bytes) is laid out exactly as the init's memory will hold it:
 *   u32 size, count, outBytes, after · count × { u32 nr, flags; u64 args[6] } · what the arguments point to
 * The answer is made in the second half of the init's arena:
 *   u64 done · count × i64 results · the out buffers
 * Several batches may be under way at once. One with `after` = 1 is performed only if the batch before it was not
 * stopped; if it is left alone, its answer has done = -1.
 */

import type { Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import type { Libc } from '../libraries/libc.ts';
import { aheadOf } from './ahead.ts';
import { InitConnection, type Wire } from './connection.ts';
import { messageWriter } from './message.ts';

const ANSWER_BYTES = 4096;

/**
 * Makes the kernels of inits. All of a process share the memory that messages are written in.
 * @param awaitReadable is called before each wait for an answer, and may end it by throwing
 */
export function remoteKernels(
  libc: Libc,
  awaitReadable: (socket: Fd) => void = () => undefined,
): (socket: Fd, performer: string) => Kernel {
  const column = process.arch === 'arm64' ? 1 : 0;
  const write = messageWriter(column);
  const wire: Wire = { libc, column, write, awaitReadable, answer: new Uint8Array(ANSWER_BYTES) };
  return (socket, performer) => {
    const connection = new InitConnection(wire, socket, performer);
    const kernel: Kernel = {
      performer,
      submit: (calls) => connection.submit(calls),
      post: (calls, settle) => connection.post(calls, settle),
      flush: () => connection.flush(),
      arrive: (readable) => connection.arrive(readable),
      ahead: () => aheadOf(connection, kernel, write),
    };
    return kernel;
  };
}

/** One init alone. */
export const remoteKernel = (libc: Libc, socket: Fd, performer: string): Kernel =>
  remoteKernels(libc)(socket, performer);
