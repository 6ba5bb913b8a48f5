/** The host's mount table, where a container has a part in it. */

import { openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { umount2 } from '../../native/calls/mounts.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MNT } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing } from '../error.ts';
import { readSmallFile, unescaped } from '../paths/proc.ts';

interface HostMount {
  readonly id: string;
  readonly parent: string;
  readonly device: string;
  /** The directory or file of its file system that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
}

/** All mounts of this process's namespace, in the order in which they were made: proc_pid_mountinfo(5). */
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

/** The path as the mount table has it, without symlinks. @throws EffectError */
function realPath(local: Kernel, path: string): string {
  return doing(`find the real path of ${path}`, () => {
    using file = opened(local, openat(AT.FDCWD, path, O.PATH));
    return pathOfOpenFile(local, file.fd);
  });
}

/** The mount points of procfs and sysfs outside the rootfs, deepest first. @throws EffectError */
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
 * Undoes what a container without a mount namespace of its own has mounted in the host's tree: its rootfs, bound onto
 * itself, and its mounts in there. Its creation may have failed before that. So a mount on the rootfs that is no bind
 * onto itself is left alone: it is the user's own.
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
  doing(`detach the mounts on ${point}`, () => call(local, umount2(point, MNT.DETACH | MNT.NOFOLLOW)));
}
