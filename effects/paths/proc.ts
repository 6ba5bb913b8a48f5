/** Facts about processes, and what they have open, from /proc. */

import { close, openat, read } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

export interface ProcessStat {
  /** R, S, D, T, Z, X, … */
  readonly state: string;
  readonly parent: Pid;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. It stays text, since it is only ever compared. */
  readonly startTime: string;
  /**
   * Field 31: the signals that wait for its first thread, one bit for each signal, the lowest for SIGHUP (1). A SIGKILL
   * waits for each thread.
   */
  readonly pending: number;
}

/** /proc/PID/stat holds some 50 numbers and a name. */
const STAT_BYTES = 2048;

/** @returns undefined if there is no such process. @throws SyscallError */
export function findStat(local: Kernel, pid: Pid): ProcessStat | undefined {
  const into = out(STAT_BYTES);
  const open = openat(AT.FDCWD, `/proc/${pid}/stat`, O.RDONLY);
  const batch = new Batch();
  const file = batch.add(open);
  const length = batch.try(read(file, into));
  batch.add(close(file));
  const { results } = local.submit(batch.calls);
  const fd = resultOf(results, file);
  const outcome = fd < 0 ? fd : resultOf(results, length);
  if (outcome >= 0) return parseStat(new TextDecoder().decode(into.bytes.subarray(0, outcome)));
  // The process may end after its file was opened.
  if (outcome === -ERRNO.ENOENT || outcome === -ERRNO.ESRCH) return undefined;
  throw new SyscallError(open, -outcome);
}

/** @throws SyscallError ESRCH if there is no such process */
export function startTimeOf(local: Kernel, pid: Pid): string {
  const stat = findStat(local, pid);
  if (stat === undefined) throw new SyscallError(openat(AT.FDCWD, `/proc/${pid}/stat`, O.RDONLY), ERRNO.ESRCH);
  return stat.startTime;
}

/** proc_pid_stat(5). The second field, the name, may hold spaces and parentheses: the fields follow the last one. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    startTime: fields[19] ?? '',
    pending: Number(fields[28]),
  };
}

/** Most files that are read here are smaller. A small buffer costs less to clear and to collect. */
const FIRST_READ_BYTES = 4 * 1024;

/**
 * The content of a small file. It may be one of procfs, whose size is known only by reading it. A fifo is not waited
 * for.
 * @throws SyscallError EFBIG beyond `limit` bytes
 */
export function readSmallFile(kernel: Kernel, path: string, limit: number = 16 << 20): string {
  using file = opened(kernel, openat(AT.FDCWD, path, O.RDONLY | O.NONBLOCK));
  const decoder = new TextDecoder();
  let text = '';
  let total = 0;
  for (let last = 1, into = out(FIRST_READ_BYTES); last > 0; ) {
    last = call(kernel, read(file.fd, into));
    total += last;
    if (total > limit) throw new SyscallError(read(file.fd, into), ERRNO.EFBIG);
    text += decoder.decode(into.bytes.subarray(0, last), { stream: true });
    if (last === into.bytes.length) into = out(16 * FIRST_READ_BYTES);
  }
  return text + decoder.decode();
}

/** A path of mountinfo, which has space, tab, newline and backslash in octal: proc_pid_mountinfo(5). */
export const unescaped = (path: string): string =>
  path.includes('\\')
    ? path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : path;
