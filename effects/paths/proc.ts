/** Facts about processes, and what they have open, from /proc. */

import { close, openat, read } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, SyscallError } from '../../native/kernel/perform.ts';
import { out, result } from '../../native/kernel/struct.ts';

export interface ProcessStat {
  /** R, S, D, T, Z, X, … */
  readonly state: string;
  readonly parent: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. Kept as text: it is only ever compared. */
  readonly startTime: string;
  /** Field 31: the signals that wait for its first thread, a bit each from SIGHUP's 1 on. A SIGKILL waits for each thread. */
  readonly pending: number;
}

/** Some 50 numbers and a name. */
const STAT_BYTES = 2048;

/** @returns undefined when there is no such process. @throws SyscallError */
export function findStat(local: Kernel, pid: number): ProcessStat | undefined {
  const into = out(STAT_BYTES);
  const open = openat(AT.FDCWD, `/proc/${pid}/stat`, O.RDONLY);
  const calls: readonly Call[] = [open, { ...read(result(0), into), mayFail: true }, close(result(0))];
  const [fd = -1, length = -1] = local.submit(calls).results;
  const failed = fd < 0 ? fd : length;
  if (failed >= 0) return parseStat(new TextDecoder().decode(into.bytes.subarray(0, length)));
  // It may end between the two.
  if (failed === -ERRNO.ENOENT || failed === -ERRNO.ESRCH) return undefined;
  throw new SyscallError(open, -failed);
}

/** @throws SyscallError ESRCH when there is no such process */
export function startTimeOf(local: Kernel, pid: number): string {
  const stat = findStat(local, pid);
  if (stat === undefined) throw new SyscallError(openat(AT.FDCWD, `/proc/${pid}/stat`, O.RDONLY), ERRNO.ESRCH);
  return stat.startTime;
}

/** proc_pid_stat(5). The second field, the name, may hold spaces and parentheses: what follows the last one counts. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    startTime: fields[19] ?? '',
    pending: Number(fields[28]),
  };
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

/** A path as mountinfo tells it, where space, tab, newline and backslash are written in octal. proc_pid_mountinfo(5) */
export const unescaped = (path: string): string =>
  path.includes('\\')
    ? path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : path;
