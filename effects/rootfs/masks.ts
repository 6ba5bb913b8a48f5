/** Paths that the container must not see or write (config-linux.md, "Masked Paths", "Readonly Paths"), after pivot_root. */

import { close, type FdArg, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import {
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  mountSetattr,
  moveMount,
  openTree,
} from '../../native/calls/mounts.ts';
import { isCharacterDevice, NULL_DEVICE, typeOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { flush, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { PartedBatch } from '../batch.ts';
import { EffectError, reasonOf } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';

interface Found {
  readonly fd: number;
  readonly directory: boolean;
  readonly stat: Out;
}

interface Protection {
  /** The root itself, not what is mounted below it. */
  readonly readonlyRoot: boolean;
  readonly readonlyPaths: readonly string[];
  readonly maskedPaths: readonly string[];
}

/** A path that is not there has nothing to hide. What is done about those that are is posted. @throws EffectError */
export function protectPaths(init: Kernel, { readonlyRoot, ...paths }: Protection): void {
  const [readonlyPaths, maskedPaths] = [unique(paths.readonlyPaths), unique(paths.maskedPaths)];
  const looks = maskedPaths.length > 0 ? ['/dev/null', ...maskedPaths, ...readonlyPaths] : readonlyPaths;
  const found = looks.length > 0 ? openAll(init, looks) : [];
  const devNull = maskedPaths.length > 0 ? found[0] : undefined;
  const toMask = found.slice(
    looks.length - maskedPaths.length - readonlyPaths.length,
    looks.length - readonlyPaths.length,
  );

  // Masks first: the read-only copies are made with what is mounted below them by then.
  const batch = new PartedBatch();
  addMasks(batch, devNull, toMask.filter(isFound));
  batch.part('mask paths');
  addReadonly(batch, found.slice(looks.length - readonlyPaths.length).filter(isFound));
  batch.part('make the read-only paths');
  if (devNull !== undefined) batch.try(close(devNull.fd));
  if (readonlyRoot) batch.add(mountSetattr(AT.FDCWD, '/', { set: MOUNT_ATTR.RDONLY }));
  batch.part('make the root read-only');
  batch.post(init);
}

const unique = (paths: readonly string[]): readonly string[] => [...new Set(paths)];

const isFound = (found: Found | undefined): found is Found => found !== undefined;

/** Opens all of them, by the way with all that was posted before; undefined for what is not there. */
function openAll(init: Kernel, paths: readonly string[]): readonly (Found | undefined)[] {
  const batch = new PartedBatch();
  const root = batch.add(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  const stats = paths.map((path) => {
    const stat = out(STATX_BYTES);
    batch.try(statx(batch.try(openInRoot(root, path, O.PATH)), '', stat));
    return stat;
  });
  batch.try(close(root));
  batch.part('open the paths to protect');
  let found: readonly (Found | undefined)[] = [];
  batch.post(init, (results) => {
    found = stats.map((stat, i) => foundBy(paths[i] ?? '', stat, results[1 + i * 2] ?? -1, results[2 + i * 2] ?? -1));
  });
  flush(init);
  return found;
}

function foundBy(path: string, stat: Out, fd: number, looked: number): Found | undefined {
  if (fd < 0) {
    refuseUnlessMissing(path, fd);
    return undefined;
  }
  if (looked < 0)
    throw new EffectError(`look at ${path} to protect it: ${reasonOf(new SyscallError(statx(fd, '', stat), -looked))}`);
  return { fd, stat, directory: typeOf(stat) === S.IFDIR };
}

/** What is not there needs no protection; what cannot be opened for another reason would be left unprotected. */
function refuseUnlessMissing(path: string, result: number): void {
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return;
  const error = new SyscallError({ name: 'openat2', args: [] }, -result);
  throw new EffectError(`open ${path} to protect it: ${reasonOf(error)}`, { cause: error });
}

/** Each is bound onto itself, read-only with all that is mounted below. */
function addReadonly(batch: Batch, found: readonly Found[]): void {
  for (const { fd } of found) {
    const tree = batch.add(openTree(fd, '', { clone: true, recursive: true }));
    batch.add(mountSetattr(tree, '', { set: MOUNT_ATTR.RDONLY }, true));
    batch.add(moveMount(tree, fd));
    batch.add(close(tree));
    batch.add(close(fd));
  }
}

/** A file is covered by /dev/null, a directory by an empty read-only tmpfs: one for all of them. */
function addMasks(batch: Batch, devNull: Found | undefined, found: readonly Found[]): void {
  const files = found.filter(({ directory }) => !directory);
  const [first, ...others] = found.filter(({ directory }) => directory);
  if (files.length > 0) {
    // An image's own file in its place would unmask (CVE-2025-31133).
    if (devNull === undefined || !isCharacterDevice(devNull.stat, NULL_DEVICE))
      throw new EffectError('mask paths: /dev/null of the container is not the null device');
    for (const { fd } of files) addCover(batch, devNull.fd, fd);
  }
  if (first === undefined) return;
  const fs = batch.add(fsopen('tmpfs'));
  batch.add(fsconfigString(fs, 'source', 'tmpfs'));
  batch.add(fsconfigFlag(fs, 'ro'));
  batch.add(fsconfigCreate(fs));
  const empty = batch.add(fsmount(fs, MOUNT_ATTR.RDONLY));
  // The copies are made once the first is attached: before Linux 6.15 a detached mount cannot be copied.
  batch.add(moveMount(empty, first.fd));
  batch.add(close(first.fd));
  for (const { fd } of others) addCover(batch, empty, fd);
  batch.add(close(empty));
  batch.add(close(fs));
}

function addCover(batch: Batch, cover: FdArg, target: number): void {
  const copy = batch.add(openTree(cover, '', { clone: true }));
  batch.add(moveMount(copy, target));
  batch.add(close(copy));
  batch.add(close(target));
}
