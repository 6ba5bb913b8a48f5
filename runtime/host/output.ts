/** Writes text to descriptors, by plain write(2): the engine's stream for standard output would cost 7 ms. */

import { reasonOf } from '../../effects/error.ts';
import { write } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import { u64s } from '../../native/kernel/struct.ts';

const STDOUT = 1;
/** struct timespec: 0 s and 1 ms. */
const RETRY = u64s(0, 1_000_000);

/**
 * Writes a whole text. Waits where the descriptor does not block and is full.
 * @throws SyscallError; EPIPE where nobody reads any more
 */
export function writeAll(kernel: Kernel, fd: Fd, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += call(kernel, write(fd, bytes.subarray(done)));
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) kernel.submit([{ name: 'nanosleep', args: [RETRY, null], mayFail: true }]);
      else if (!isErrno(error, 'EINTR')) throw error;
    }
  }
}

/** Writes a command's answer to standard output. It is no error that nobody reads it any more (`list | head`). */
export function print(kernel: Kernel, text: string): void {
  try {
    writeAll(kernel, STDOUT, text);
  } catch (error) {
    if (!isErrno(error, 'EPIPE')) throw new Error(`write the answer: ${reasonOf(error)}`, { cause: error });
  }
}

/** Writes a text that is not the command's answer: the command must not fail where it cannot be written. */
export function tryWriteAll(kernel: Kernel, fd: Fd, text: string): void {
  try {
    writeAll(kernel, fd, text);
  } catch {
    // Nobody is left who could be told.
  }
}
