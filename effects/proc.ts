/** Facts about processes, from /proc. */

import { close, openat, read } from '../native/calls/files.ts';
import { AT, O } from '../native/constants/files.ts';
import type { Kernel } from '../native/kernel.ts';
import { perform } from '../native/perform.ts';
import { out, result } from '../native/struct.ts';

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

/** The content of a file of procfs or sysfs, up to 64 KiB. @throws SyscallError */
export function readSmallFile(kernel: Kernel, path: string, limit: number = 64 * 1024): string {
  const into = out(limit);
  const [, length = 0] = perform(kernel, [openat(AT.FDCWD, path, O.RDONLY), read(result(0), into), close(result(0))]);
  return new TextDecoder().decode(into.bytes.subarray(0, length));
}
