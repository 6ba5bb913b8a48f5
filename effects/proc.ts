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
  readonly parent: number;
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
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
}

/** Most of what is read here is smaller. Memory that is not asked for need not be cleared, nor collected. */
const FIRST_READ_BYTES = 4 * 1024;

/** The content of a small file, or of one of procfs, whose size only reading tells; a fifo is not waited for. @throws SyscallError EFBIG beyond `limit` bytes */
export function readSmallFile(kernel: Kernel, path: string, limit: number = 16 << 20): string {
  const fd = call(kernel, openat(AT.FDCWD, path, O.RDONLY | O.NONBLOCK));
  const decoder = new TextDecoder();
  let text = '';
  try {
    let total = 0;
    for (let last = 1, into = out(FIRST_READ_BYTES); last > 0; ) {
      last = call(kernel, read(fd, into));
      total += last;
      if (total > limit) throw new SyscallError(read(fd, into), ERRNO.EFBIG);
      text += decoder.decode(into.bytes.subarray(0, last), { stream: true });
      if (last === into.bytes.length) into = out(16 * FIRST_READ_BYTES);
    }
  } finally {
    attempt(kernel, close(fd));
  }
  return text + decoder.decode();
}
