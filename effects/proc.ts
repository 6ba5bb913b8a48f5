/** Facts about processes, from /proc. */

import { close, openat, read } from '../native/calls/files.ts';
import { ERRNO } from '../native/constants/errno.ts';
import { AT, O } from '../native/constants/files.ts';
import type { Kernel } from '../native/kernel.ts';
import { attempt, call, SyscallError } from '../native/perform.ts';
import { out } from '../native/struct.ts';

export interface ProcessStat {
  /** R, S, D, T, Z, X, … */
  readonly state: string;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. Kept as text: it is only ever compared. */
  readonly startTime: string;
}

/** @throws SyscallError ENOENT or ESRCH when there is no such process */
export function readStat(local: Kernel, pid: number): ProcessStat {
  return parseStat(readSmallFile(local, `/proc/${pid}/stat`));
}

/** @throws SyscallError */
export const startTimeOf = (local: Kernel, pid: number): string => readStat(local, pid).startTime;

/** proc_pid_stat(5). The second field, the name, may hold spaces and parentheses: what follows the last one counts. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

// Files of procfs hand out a page a read at the most. Larger buffers cost a cold start more than what they read: fresh memory.
const FIRST_READ_BYTES = 4096;
const LATER_READ_BYTES = 64 * 1024;

/** The content of a small file, or of one of procfs, whose size only reading tells; a fifo is not waited for. @throws SyscallError EFBIG beyond `limit` bytes */
export function readSmallFile(kernel: Kernel, path: string, limit: number = 16 << 20): string {
  const fd = call(kernel, openat(AT.FDCWD, path, O.RDONLY | O.NONBLOCK));
  const decoder = new TextDecoder();
  let text = '';
  try {
    let chunk = out(FIRST_READ_BYTES);
    for (let total = 0, last = 1; last > 0; ) {
      last = call(kernel, read(fd, chunk));
      total += last;
      if (total > limit) throw new SyscallError(read(fd, chunk), ERRNO.EFBIG);
      text += decoder.decode(chunk.bytes.subarray(0, last), { stream: true });
      if (last === FIRST_READ_BYTES && last === chunk.bytes.length) chunk = out(LATER_READ_BYTES);
    }
  } finally {
    attempt(kernel, close(fd));
  }
  return text + decoder.decode();
}
