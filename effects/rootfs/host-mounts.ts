/** The host's mount table, where a container has a part in it. */

import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { umount2 } from '../../native/calls/mounts.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MNT } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing } from '../error.ts';
import { readSmallFile, unescaped } from '../paths/proc.ts';

interface HostMount {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  /** What of the file system is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
}

/** In the order in which they were mounted. proc_pid_mountinfo(5) */
function hostMounts(local: Kernel): readonly HostMount[] {
  return readSmallFile(local, '/proc/self/mountinfo')
    .split('\n')
    .flatMap((line) => {
      const [before = '', after] = line.split(' - ');
      if (after === undefined) return [];
      const [id = '', parent = '', device = '', root = '', point = ''] = before.split(' ');
      return [{ id, parent, device, root: unescaped(root), point: unescaped(point), type: after.split(' ')[0] ?? '' }];
    });
}

/** The path as the mount table has it: without symlinks. */
function realPath(local: Kernel, path: string): string {
  return doing(`find the real path of ${path}`, () => {
    const [fd = -1] = perform(local, [openat(AT.FDCWD, path, O.PATH)]);
    try {
      return pathOfOpenFile(local, fd);
    } finally {
      local.submit([close(fd)]);
    }
  });
}

/** Mount points of procfs and sysfs, deepest first, but for those in the rootfs. */
export function kernelMounts(local: Kernel, rootfs: string): readonly string[] {
  const real = realPath(local, rootfs);
  return hostMounts(local)
    .filter(
      ({ type, point }) => (type === 'proc' || type === 'sysfs') && point !== real && !point.startsWith(`${real}/`),
    )
    .map(({ point }) => point)
    .reverse();
}

/**
 * A container without a mount namespace of its own has its rootfs bound onto itself in the host's tree, and its
 * mounts in there. What began is undone here, so nothing may be there: then another mount on the rootfs, which is no
 * bind onto itself, is the user's own.
 * @throws EffectError
 */
export function detachFromHost(local: Kernel, rootfs: string): void {
  if (attempt(local, statx(AT.FDCWD, rootfs, out(STATX_BYTES), 0)) === -ERRNO.ENOENT) return;
  const point = realPath(local, rootfs);
  const mounts = hostMounts(local);
  const top = mounts.findLast((mount) => mount.point === point);
  const below = mounts.find(({ id }) => id === top?.parent);
  if (top === undefined || below === undefined || top.device !== below.device) return;
  const covered = `${below.root}/${point.slice(below.point.length)}`.replace(/\/+/g, '/');
  if (covered.replace(/\/$/, '') !== top.root.replace(/\/$/, '')) return;
  doing(`detach the mounts on ${point}`, () => perform(local, [umount2(point, MNT.DETACH | MNT.NOFOLLOW)]));
}
