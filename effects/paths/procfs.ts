/**
 * A procfs that can be trusted, for what a process writes there from inside a container: the image chooses what stands
 * at /proc. If that is a plain file, what is written to it is lost, and the confinement with it (CVE-2019-16884). If it
 * is another file of a real procfs that somebody bound there, writing to it harms the host (CVE-2025-52881).
 */

import { close, type FdArg, fstatfs, openat2, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { fsconfigCreate, fsmount, fsopen } from '../../native/calls/mounts.ts';
import { inodeOf, magicOf } from '../../native/calls/stat.ts';
import { AT, FS_MAGIC, O, RESOLVE } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing } from '../error.ts';

/** include/linux/proc_fs.h: the root of a procfs has this inode, and nothing else in it has. */
const PROC_ROOT_INO = 1n;

/**
 * Opens the performer's /proc if that is the root of a procfs. Otherwise it makes a procfs of its own that is mounted
 * nowhere, so that nothing can be mounted on it. /proc comes first since the kernel refuses the second way in a user
 * namespace whose /proc has masks on it.
 * @returns a descriptor of the procfs's root; the caller closes it
 * @throws EffectError
 */
export function openProcfs(kernel: Kernel): Fd {
  const fs = out(STATFS_BYTES);
  const stat = out(STATX_BYTES);
  const look = new Batch();
  const proc = look.try(openat2(AT.FDCWD, '/proc', { flags: O.PATH | O.DIRECTORY, resolve: RESOLVE.NO_MAGICLINKS }));
  const fsLooked = look.try(fstatfs(proc, fs));
  const rootLooked = look.try(statx(proc, '', stat));
  const { results } = kernel.submit(look.calls);
  const fd = resultOf(results, proc);
  const isLooked = resultOf(results, fsLooked) >= 0 && resultOf(results, rootLooked) >= 0;
  if (isLooked && magicOf(fs) === FS_MAGIC.PROC && inodeOf(stat) === PROC_ROOT_INO) return fd;
  if (fd >= 0) call(kernel, close(fd));
  const batch = new Batch();
  const mount = addProcfs(batch);
  return doing('open a procfs', () => resultOf(perform(kernel, batch.calls), mount));
}

/** Adds the calls that make a procfs of the performer's pid namespace, which is mounted nowhere. @returns its root */
export function addProcfs(batch: Batch): ResultRef<Fd> {
  const fs = batch.add(fsopen('proc'));
  batch.add(fsconfigCreate(fs));
  const mount = batch.add(fsmount(fs, MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC));
  batch.add(close(fs));
  return mount;
}

/**
 * Opens a file of the performer itself, which has one thread. The path leads across no mount and through no magic link:
 * the call fails with EXDEV if something is mounted on the file.
 */
export const openOwnFile = (procfs: FdArg, path: string, flags: number): Call<Fd> =>
  openat2(procfs, `self/${path}`, {
    flags,
    resolve: RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV,
  });
