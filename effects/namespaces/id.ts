/** Which namespace a process is in. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { inodeOf } from '../../native/calls/stat.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

/**
 * @param file a name in /proc/PID/ns
 * @returns the inode of that file, which no other namespace of its kind has (namespaces(7))
 * @throws SyscallError
 */
export function namespaceId(local: Kernel, pid: string, file: string): bigint {
  const stat = out(STATX_BYTES);
  call(local, statx(AT.FDCWD, `/proc/${pid}/ns/${file}`, stat, 0));
  return inodeOf(stat);
}
