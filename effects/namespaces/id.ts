/** Which namespace a process is in. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

const STX_INO = 32;

/** @param file of /proc/PID/ns. @throws SyscallError */
export function namespaceId(local: Kernel, pid: string, file: string): bigint {
  const stat = out(STATX_BYTES);
  perform(local, [statx(AT.FDCWD, `/proc/${pid}/ns/${file}`, stat, 0)]);
  return viewOf(stat.bytes).getBigUint64(STX_INO, true);
}
