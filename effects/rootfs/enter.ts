/** The init leaves the host's tree: the rootfs becomes its root, and nothing of the old one stays reachable. All of it is posted. */

import { close, fchdir, openat } from '../../native/calls/files.ts';
import { chroot, mount, pivotRoot, umount2 } from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MNT, MS } from '../../native/constants/mount.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { result } from '../../native/kernel/struct.ts';
import { PartedBatch } from '../batch.ts';

const chdirRoot: Call = { name: 'chdir', args: ['/'] };

/**
 * pivot_root(2) with both arguments ".": the old root ends up mounted on top of the new one and is then detached,
 * so that no directory in the rootfs is needed for it.
 * @param root the rootfs, opened in the init; closed here
 * @throws EffectError
 */
export function pivotInto(init: Kernel, root: number): void {
  postAs(init, 'pivot_root into the rootfs', [
    openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY),
    fchdir(root),
    pivotRoot('.', '.'),
    fchdir(result(0)),
    // Or the detaching would propagate to the host.
    mount('', '.', null, MS.SLAVE | MS.REC, null),
    umount2('.', MNT.DETACH),
    chdirRoot,
    close(result(0)),
    close(root),
  ]);
}

function postAs(init: Kernel, what: string, calls: readonly Call[]): void {
  const batch = new PartedBatch();
  for (const one of calls) batch.add(one);
  batch.part(what);
  batch.post(init);
}

/**
 * `--no-pivot`, for a host on an initramfs: the rootfs is moved over "/". What the host had mounted stays underneath,
 * so its procfs and sysfs, which an unprivileged process could mount anew because they are visible, are detached first.
 * @param hostMounts mount points of procfs and sysfs outside the rootfs, deepest first
 */
export function moveOver(init: Kernel, root: number, hostMounts: readonly string[]): void {
  postAs(init, 'move the rootfs to /', [
    ...hostMounts.map((path): Call => ({ ...umount2(path, MNT.DETACH), mayFail: true })),
    fchdir(root),
    mount('.', '/', null, MS.MOVE, null),
    chroot('.'),
    chdirRoot,
    close(root),
  ]);
}

/** Without a mount namespace of its own the container only changes its root. */
export function chrootInto(init: Kernel, root: number): void {
  postAs(init, 'chroot into the rootfs', [fchdir(root), chroot('.'), chdirRoot, close(root)]);
}
