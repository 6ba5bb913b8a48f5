/** Where resctrl is mounted: whoever wants it mounts it, usually at the place that the kernel makes for it. */

import { close, fstatfs, openat, STATFS_BYTES } from '../../native/calls/files.ts';
import { AT, FS_MAGIC, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { out, result, viewOf } from '../../native/kernel/struct.ts';
import { readSmallFile, unescaped } from '../paths/proc.ts';

const USUAL = '/sys/fs/resctrl';

/** undefined where it is not mounted. */
export function resctrlRoot(local: Kernel): string | undefined {
  const stat = out(STATFS_BYTES);
  const open = { ...openat(AT.FDCWD, USUAL, O.PATH | O.DIRECTORY), mayFail: true as const };
  const [opened = -1, known = -1] = local.submit([
    open,
    { ...fstatfs(result(0), stat), mayFail: true },
    { ...close(result(0)), mayFail: true },
  ]).results;
  if (opened >= 0 && known >= 0 && viewOf(stat.bytes).getUint32(0, true) === FS_MAGIC.RDTGROUP) return USUAL;
  return mountedResctrl(readSmallFile(local, '/proc/self/mountinfo'));
}

/** The first mount point of the type. @param mountinfo proc_pid_mountinfo(5) */
export function mountedResctrl(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (after.split(' ')[0] !== 'resctrl') continue;
    return unescaped(before.split(' ')[4] ?? '');
  }
  return undefined;
}
