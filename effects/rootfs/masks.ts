/**
 * Paths that the container must not see or write (config-linux.md, "Masked Paths", "Readonly Paths"). They are
 * protected after pivot_root.
 */

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
import { type Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { awaitAnswers, type Waiting } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import { EffectError, reasonOf } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';

interface Protection {
  /** Make the root itself read-only, but not what is mounted below it. */
  readonly readonlyRoot: boolean;
  readonly readonlyPaths: readonly string[];
  readonly maskedPaths: readonly string[];
  /** SELinux's label for the tmpfs that masks directories. */
  readonly label?: string | undefined;
}

/**
 * Masks the masked paths and makes the read-only paths read-only. A path that does not exist needs no protection. This
 * waits to learn which paths exist; the rest is posted.
 * @throws EffectError
 */
export async function protectPaths(
  platform: Waiting,
  init: Kernel,
  { readonlyRoot, label, ...paths }: Protection,
): Promise<void> {
  const { devNull, masked, readonly } = await openAll(
    platform,
    init,
    unique(paths.maskedPaths),
    unique(paths.readonlyPaths),
  );
  // Masks come first: a read-only copy is made with what is mounted below it by then.
  const batch = new PartedBatch();
  addMasks(batch, { devNull, masked, label });
  batch.part('mask paths');
  addReadonly(batch, readonly);
  batch.part('make the read-only paths');
  if (devNull !== undefined) batch.try(close(devNull.fd));
  if (readonlyRoot) batch.add(mountSetattr(AT.FDCWD, '/', { set: MOUNT_ATTR.RDONLY }));
  batch.part('make the root read-only');
  batch.post(init);
}

const unique = (paths: readonly string[]): readonly string[] => [...new Set(paths)];

/** A path that exists, open. */
interface Found {
  readonly fd: Fd;
  readonly directory: boolean;
  readonly stat: Out;
}

/** What exists among the paths to protect. */
interface AllFound {
  /** Opened if anything is to be masked. */
  readonly devNull: Found | undefined;
  readonly masked: readonly Found[];
  readonly readonly: readonly Found[];
}

/** Opens all of them. The same wait settles everything that was posted before. @throws EffectError */
async function openAll(
  platform: Waiting,
  init: Kernel,
  masked: readonly string[],
  readonly: readonly string[],
): Promise<AllFound> {
  let found: AllFound = { devNull: undefined, masked: [], readonly: [] };
  if (masked.length + readonly.length === 0) return found;
  const batch = new PartedBatch();
  const root = batch.add(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  const devNull = masked.length === 0 ? undefined : addOpening(batch, root, '/dev/null');
  const toMask = masked.map((path) => addOpening(batch, root, path));
  const toKeep = readonly.map((path) => addOpening(batch, root, path));
  batch.try(close(root));
  batch.part('open the paths to protect');
  batch.post(init, (results) => {
    const foundOf = (opening: Opening) => foundBy(results, opening) ?? [];
    found = {
      devNull: devNull && foundBy(results, devNull),
      masked: toMask.flatMap(foundOf),
      readonly: toKeep.flatMap(foundOf),
    };
  });
  await awaitAnswers(platform, init);
  return found;
}

/** A path that a batch opens and looks at. */
interface Opening {
  readonly path: string;
  readonly opened: ResultRef<Fd>;
  readonly looked: ResultRef;
  readonly stat: Out;
}

function addOpening(batch: Batch, root: FdArg, path: string): Opening {
  const stat = out(STATX_BYTES);
  const opened = batch.try(openInRoot(root, path, O.PATH));
  const looked = batch.try(statx(opened, '', stat));
  return { path, opened, looked, stat };
}

/** @returns undefined if the path does not exist. @throws EffectError */
function foundBy(results: readonly number[], { path, opened, looked, stat }: Opening): Found | undefined {
  const fd = resultOf(results, opened);
  if (fd < 0) {
    refuseUnlessMissing(path, fd);
    return undefined;
  }
  const errno = -resultOf(results, looked);
  if (errno > 0)
    throw new EffectError(`look at ${path} to protect it: ${reasonOf(new SyscallError(statx(fd, '', stat), errno))}`);
  return { fd, stat, directory: typeOf(stat) === S.IFDIR };
}

/** A path that cannot be opened for any other reason than that it is missing would be left unprotected. */
function refuseUnlessMissing(path: string, result: number): void {
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return;
  const error = new SyscallError({ name: 'openat2', args: [] }, -result);
  throw new EffectError(`open ${path} to protect it: ${reasonOf(error)}`, { cause: error, about: { path } });
}

/** Each is bound onto itself, read-only with everything that is mounted below. */
function addReadonly(batch: Batch, found: readonly Found[]): void {
  for (const { fd } of found) {
    const tree = batch.add(openTree(fd, '', { clone: true, recursive: true }));
    batch.add(mountSetattr(tree, '', { set: MOUNT_ATTR.RDONLY }, true));
    batch.add(moveMount(tree, fd));
    batch.add(close(tree));
    batch.add(close(fd));
  }
}

type Masks = Pick<AllFound, 'devNull' | 'masked'> & Pick<Protection, 'label'>;

/** /dev/null covers a file. An empty read-only tmpfs covers a directory: one for all of them. */
function addMasks(batch: Batch, { devNull, masked, label }: Masks): void {
  const files = masked.filter(({ directory }) => !directory);
  const [first, ...others] = masked.filter(({ directory }) => directory);
  if (files.length > 0) {
    // If the image had a file of its own there, what it covers would not be masked (CVE-2025-31133).
    if (devNull === undefined || !isCharacterDevice(devNull.stat, NULL_DEVICE))
      throw new EffectError('mask paths: /dev/null of the container is not the null device');
    for (const { fd } of files) addCover(batch, devNull.fd, fd);
  }
  if (first === undefined) return;
  const fs = batch.add(fsopen('tmpfs'));
  batch.add(fsconfigString(fs, 'source', 'tmpfs'));
  batch.add(fsconfigFlag(fs, 'ro'));
  // With its own label of tmpfs, a confined process could not even look at the directory.
  if (label !== undefined) batch.add(fsconfigString(fs, 'context', label));
  batch.add(fsconfigCreate(fs));
  const empty = batch.add(fsmount(fs, MOUNT_ATTR.RDONLY));
  // The copies are made after the first is attached: before Linux 6.15 a detached mount cannot be copied.
  batch.add(moveMount(empty, first.fd));
  batch.add(close(first.fd));
  for (const { fd } of others) addCover(batch, empty, fd);
  batch.add(close(empty));
  batch.add(close(fs));
}

function addCover(batch: Batch, cover: FdArg, target: Fd): void {
  const copy = batch.add(openTree(cover, '', { clone: true }));
  batch.add(moveMount(copy, target));
  batch.add(close(copy));
  batch.add(close(target));
}
