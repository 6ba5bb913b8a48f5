/**
 * Finds where resctrl is mounted. An administrator mounts it, usually at the directory that the kernel makes for it.
 */

import { close, fstatfs, openat, STATFS_BYTES } from '../../native/calls/files.ts';
import { AT, FS_MAGIC, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { readSmallFile, unescaped } from '../paths/proc.ts';

const USUAL = '/sys/fs/resctrl';

/** @returns undefined where it is not mounted */
export function resctrlRoot(local: Kernel): string | undefined {
  const stat = out(STATFS_BYTES);
  const batch = new Batch();
  const opened = batch.try(openat(AT.FDCWD, USUAL, O.PATH | O.DIRECTORY));
  const told = batch.try(fstatfs(opened, stat));
  batch.try(close(opened));
  const { results } = local.submit(batch.calls);
  const isThere = resultOf(results, opened) >= 0 && resultOf(results, told) >= 0;
  if (isThere && viewOf(stat.bytes).getUint32(0, true) === FS_MAGIC.RDTGROUP) return USUAL;
  return mountedResctrl(readSmallFile(local, '/proc/self/mountinfo'));
}

/** The first mount point of resctrl. Pure. @param mountinfo proc_pid_mountinfo(5) */
export function mountedResctrl(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (after.split(' ')[0] !== 'resctrl') continue;
    return unescaped(before.split(' ')[4] ?? '');
  }
  return undefined;
}
