/**
 * A procfs that can be trusted, for writes of a process that is in a container: what stands at /proc there is the image's choice.
 * What is written to a file in its place is lost, and with it the confinement (CVE-2019-16884); what is written to another file of a
 * real procfs that was bound there does the host harm (CVE-2025-52881).
 */

import { close, type FdArg, fstatfs, openat2, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { fsconfigCreate, fsmount, fsopen } from '../../native/calls/mounts.ts';
import { AT, FS_MAGIC, O, RESOLVE } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out, result, viewOf } from '../../native/kernel/struct.ts';
import { doing } from '../error.ts';

/** include/linux/proc_fs.h: the inode of a procfs's root, and of nothing else in it. */
const PROC_ROOT_INO = 1n;
const STX_INO = 32;

/**
 * The performer's /proc where it is the root of a procfs; else one of its own that is mounted nowhere, so that nothing can be mounted
 * on it. That second way is barred in a user namespace whose /proc has masks on it, hence the order.
 * @returns a descriptor of its root, to be closed by the caller
 * @throws EffectError
 */
export function openProcfs(kernel: Kernel): number {
  const fs = out(STATFS_BYTES);
  const stat = out(STATX_BYTES);
  const flags = O.PATH | O.DIRECTORY;
  const [proc = -1, isFs = -1, isRoot = -1] = kernel.submit(
    [
      openat2(AT.FDCWD, '/proc', { flags, resolve: RESOLVE.NO_MAGICLINKS }),
      fstatfs(result(0), fs),
      statx(result(0), '', stat),
    ].map((one): Call => ({ ...one, mayFail: true })),
  ).results;
  const magic = viewOf(fs.bytes).getUint32(0, true);
  if (
    isFs >= 0 &&
    isRoot >= 0 &&
    magic === FS_MAGIC.PROC &&
    viewOf(stat.bytes).getBigUint64(STX_INO, true) === PROC_ROOT_INO
  )
    return proc;
  if (proc >= 0) perform(kernel, [close(proc)]);
  const batch = new Batch();
  const context = batch.add(fsopen('proc'));
  batch.add(fsconfigCreate(context));
  const mount = batch.add(fsmount(context, MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC));
  batch.add(close(context));
  return doing('open a procfs', () => perform(kernel, batch.calls)[mount.index] ?? -1);
}

/** A file of the performer's own, who has one thread, through no mount and no magic link: EXDEV where something lies on it. */
export const openOwnFile = (procfs: FdArg, path: string, flags: number): Call =>
  openat2(procfs, `self/${path}`, {
    flags,
    resolve: RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV,
  });
