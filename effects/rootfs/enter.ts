/**
 * The init leaves the host's tree: the rootfs becomes its root, and nothing of the old root stays reachable. All of it
 * is posted.
 */

import { chdir, close, fchdir, openat } from '../../native/calls/files.ts';
import { chroot, mount, pivotRoot, umount2 } from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MNT, MS } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { PartedBatch } from '../batch.ts';

/**
 * pivot_root(2) with both arguments ".": the kernel mounts the old root on top of the new one, and it is detached from
 * there. So the rootfs needs no directory for it.
 * @param root the rootfs, open in the init; closed here
 * @throws EffectError
 */
export function pivotInto(init: Kernel, root: Fd): void {
  const batch = new PartedBatch();
  const old = batch.add(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  batch.add(fchdir(root));
  batch.add(pivotRoot('.', '.'));
  batch.add(fchdir(old));
  // If it were still shared, detaching it would propagate to the host.
  batch.add(mount('', '.', null, MS.SLAVE | MS.REC, null));
  batch.add(umount2('.', MNT.DETACH));
  batch.add(chdir('/'));
  batch.add(close(old));
  batch.add(close(root));
  batch.part('pivot_root into the rootfs');
  batch.post(init);
}

/**
 * `--no-pivot`, for a host on an initramfs: the rootfs is moved over "/". What the host had mounted stays underneath.
 * Its procfs and sysfs are detached first: while they are visible there, an unprivileged process may mount new ones.
 * @param root the rootfs, open in the init; closed here
 * @param hostMounts mount points of procfs and sysfs outside the rootfs, deepest first
 */
export function moveOver(init: Kernel, root: Fd, hostMounts: readonly string[]): void {
  const batch = new PartedBatch();
  for (const path of hostMounts) batch.try(umount2(path, MNT.DETACH));
  batch.add(fchdir(root));
  batch.add(mount('.', '/', null, MS.MOVE, null));
  batch.add(chroot('.'));
  batch.add(chdir('/'));
  batch.add(close(root));
  batch.part('move the rootfs to /');
  batch.post(init);
}

/**
 * A container without a mount namespace of its own only changes its root.
 * @param root the rootfs, open in the init; closed here
 */
export function chrootInto(init: Kernel, root: Fd): void {
  const batch = new PartedBatch();
  batch.add(fchdir(root));
  batch.add(chroot('.'));
  batch.add(chdir('/'));
  batch.add(close(root));
  batch.part('chroot into the rootfs');
  batch.post(init);
}
