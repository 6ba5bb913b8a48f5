/** Text to a descriptor, by plain writes: making the engine's stream for standard output costs 7 ms. */

import { reasonOf } from '../../effects/error.ts';
import { write } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';

const STDOUT = 1;
/** struct timespec: 1 ms. */
const RETRY = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 64, 66, 15, 0, 0, 0, 0, 0);

/**
 * Writes all of it. A descriptor that does not block and is full is waited for.
 * @throws SyscallError, EPIPE where nobody reads any more
 */
export function writeAll(kernel: Kernel, fd: number, text: string): void {
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

/** A command's answer, to standard output. Where nobody reads it any more (`list | head`), that is their choice. */
export function print(kernel: Kernel, text: string): void {
  try {
    writeAll(kernel, STDOUT, text);
  } catch (error) {
    if (!isErrno(error, 'EPIPE')) throw new Error(`write the answer: ${reasonOf(error)}`, { cause: error });
  }
}

/** The same for what is said beside the work, which must not fail by it. */
export function tryWriteAll(kernel: Kernel, fd: number, text: string): void {
  try {
    writeAll(kernel, fd, text);
  } catch {
    // There is nobody left to tell.
  }
}
