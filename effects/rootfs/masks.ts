/** Paths that the container must not see or write (config-linux.md, "Masked Paths", "Readonly Paths"), after pivot_root. */

import { Batch } from '../../native/batch.ts';
import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import {
  fsconfigCreate,
  fsconfigFlag,
  fsmount,
  fsopen,
  mountSetattr,
  moveMount,
  openTree,
} from '../../native/calls/mounts.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { Kernel, Out } from '../../native/kernel.ts';
import { call, perform, SyscallError } from '../../native/perform.ts';
import { out, viewOf } from '../../native/struct.ts';
import { doing, EffectError } from '../error.ts';
import { openInRoot } from './in-root.ts';

/** Byte offsets in struct statx (statx(2)). */
const STX = { MODE: 28, RDEV_MAJOR: 128, RDEV_MINOR: 132 } as const;

interface Found {
  readonly path: string;
  readonly fd: number;
  readonly directory: boolean;
}

/** Performs both lists; a path that is not there has nothing to hide. @throws EffectError */
export function protectPaths(init: Kernel, readonlyPaths: readonly string[], maskedPaths: readonly string[]): void {
  if (readonlyPaths.length === 0 && maskedPaths.length === 0) return;
  const root = call(init, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  try {
    const toProtect = openAll(init, root, readonlyPaths);
    doing('make the read-only paths', () => makeReadonly(init, toProtect));
    // Opened only now: a masked path below a read-only one must be found on the new mount.
    const toMask = openAll(init, root, maskedPaths);
    doing('mask paths', () => mask(init, root, toMask));
  } finally {
    init.submit([close(root)]);
  }
}

function openAll(init: Kernel, root: number, paths: readonly string[]): readonly Found[] {
  const batch = new Batch();
  const stats: Out[] = [];
  for (const path of paths) {
    const fd = batch.try(openInRoot(root, path, O.PATH));
    const into = out(STATX_BYTES);
    batch.try(statx(fd, '', into));
    stats.push(into);
  }
  const { results } = init.submit(batch.calls);
  const found: Found[] = [];
  paths.forEach((path, i) => {
    const fd = results[i * 2] ?? -1;
    const into = stats[i];
    if (fd >= 0 && into !== undefined) found.push({ path, fd, directory: (modeOf(into) & S.IFMT) === S.IFDIR });
    else refuseUnlessMissing(path, fd);
  });
  return found;
}

const modeOf = (stat: Out): number => viewOf(stat.bytes).getUint16(STX.MODE, true);

/** What is not there needs no protection; what cannot be opened for another reason would be left unprotected. */
function refuseUnlessMissing(path: string, result: number): void {
  const error = new SyscallError({ name: 'openat2', args: [] }, -result);
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
    throw new EffectError(`open ${path} to protect it: ${error.code}`, { cause: error });
}

/** Each is bound onto itself, read-only with all that is mounted below. */
function makeReadonly(init: Kernel, found: readonly Found[]): void {
  const batch = new Batch();
  for (const { fd } of found) {
    const tree = batch.add(openTree(fd, '', { clone: true, recursive: true }));
    batch.add(mountSetattr(tree, '', { set: MOUNT_ATTR.RDONLY }, true));
    batch.add(moveMount(tree, fd));
    batch.add(close(tree));
    batch.add(close(fd));
  }
  perform(init, batch.calls);
}

/** A file is covered by /dev/null, a directory by an empty read-only tmpfs: one for all of them. */
function mask(init: Kernel, root: number, found: readonly Found[]): void {
  const batch = new Batch();
  const files = found.filter(({ directory }) => !directory);
  const directories = found.filter(({ directory }) => directory);
  if (files.length > 0) {
    const devNull = openNull(init, root);
    for (const { fd } of files) addCover(batch, devNull, fd);
    batch.add(close(devNull));
  }
  if (directories.length > 0) {
    const fs = batch.add(fsopen('tmpfs'));
    batch.add(fsconfigFlag(fs, 'ro'));
    batch.add(fsconfigCreate(fs));
    const empty = batch.add(fsmount(fs, MOUNT_ATTR.RDONLY));
    // The copies are made once the first is attached: before Linux 6.15 a detached mount cannot be copied.
    const [first, ...others] = directories;
    if (first !== undefined) {
      batch.add(moveMount(empty, first.fd));
      batch.add(close(first.fd));
    }
    for (const { fd } of others) addCover(batch, empty, fd);
    batch.add(close(empty));
    batch.add(close(fs));
  }
  perform(init, batch.calls);
}

function addCover(batch: Batch, cover: Parameters<typeof openTree>[0], target: number): void {
  const copy = batch.add(openTree(cover, '', { clone: true }));
  batch.add(moveMount(copy, target));
  batch.add(close(copy));
  batch.add(close(target));
}

/** The container's /dev/null, once it has shown to be one: an image's own file in its place would unmask (CVE-2025-31133). */
function openNull(init: Kernel, root: number): number {
  const fd = call(init, openInRoot(root, '/dev/null', O.PATH | O.NOFOLLOW));
  const into = out(STATX_BYTES);
  perform(init, [statx(fd, '', into)]);
  const view = viewOf(into.bytes);
  const isNull =
    (modeOf(into) & S.IFMT) === S.IFCHR &&
    view.getUint32(STX.RDEV_MAJOR, true) === 1 &&
    view.getUint32(STX.RDEV_MINOR, true) === 3;
  if (!isNull) throw new EffectError('/dev/null of the container is not the null device');
  return fd;
}

/** The root itself, not what is mounted below it. */
export function makeRootReadonly(init: Kernel): void {
  doing('make the root read-only', () => perform(init, [mountSetattr(AT.FDCWD, '/', { set: MOUNT_ATTR.RDONLY })]));
}
