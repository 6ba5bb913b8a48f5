/** The directories of a checkpoint: where images, logs and the list of descriptors are. */

import { fchmod, fchownat, mkdirat, openat, unlinkat, write } from '../../native/calls/files.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, succeeded } from '../../native/kernel/perform.ts';
import { doing, EffectError } from '../error.ts';
import { closeAll } from '../foreground/ends.ts';
import { readSmallFile } from '../paths/proc.ts';
import type { Directories } from './options.ts';

interface DirectoryPaths {
  readonly imagePath: string;
  readonly workPath?: string | undefined;
}

/** Nobody else may look at the memory of the container's processes. */
const MODE = 0o700;

/** Makes the directories that are missing. @returns whether that of the images is one of them @throws EffectError */
export function makeDirectories(local: Kernel, { imagePath, workPath }: DirectoryPaths): boolean {
  const madeImages = makeDirectory(local, imagePath);
  if (workPath !== undefined) makeDirectory(local, workPath);
  return madeImages;
}

/** @returns whether it was missing */
function makeDirectory(local: Kernel, path: string): boolean {
  const parts = path.split('/');
  let isMade = false;
  for (let depth = 2; depth <= parts.length; depth++) {
    const making = mkdirat(AT.FDCWD, parts.slice(0, depth).join('/'), MODE);
    const result = attempt(local, making);
    isMade = result >= 0;
    if (result !== -ERRNO.EEXIST) doing(`mkdir ${path}`, () => succeeded(making, result));
  }
  return isMade;
}

/**
 * Lets the root of a container's user namespace pass through the images' directory. A restore in a user namespace opens
 * its images from inside, and knows their names.
 * @param gid the group of that root, as the host sees it
 */
export function letPass(local: Kernel, { images }: Directories, gid: number): void {
  attempt(local, fchownat(images, '', -1, gid, AT.EMPTY_PATH));
  attempt(local, fchmod(images, 0o710));
}

/**
 * @param seenBy a process in whose mount namespace the directories are to be: CRIU mounts in its work directory
 * @returns descriptors, for the caller to dispose of
 * @throws EffectError
 */
export function openDirectories(
  local: Kernel,
  { imagePath, workPath }: DirectoryPaths,
  seenBy: Pid | 'self' = 'self',
): Directories & Disposable {
  using images = new Owned(local, openDirectory(local, imagePath, seenBy));
  const work = workPath === undefined ? undefined : openDirectory(local, workPath, seenBy);
  const all = { images: images.release(), work };
  return { ...all, [Symbol.dispose]: () => closeAll(local, work === undefined ? [all.images] : [all.images, work]) };
}

/**
 * Removes the log of an earlier try, which would be taken for that of this one.
 * @returns the path of the new log
 */
export function withoutLog(local: Kernel, { imagePath, workPath }: DirectoryPaths, name: string): string {
  const path = `${workPath ?? imagePath}/${name}`;
  attempt(local, unlinkat(AT.FDCWD, path));
  return path;
}

function openDirectory(local: Kernel, path: string, seenBy: Pid | 'self'): Fd {
  return doing(`open ${path}`, () => {
    using here = opened(local, openat(AT.FDCWD, path, O.RDONLY | O.DIRECTORY));
    if (seenBy === 'self') return here.release();
    // By its path without symlinks (containerd has one): an absolute symlink would lead to this process's mounts.
    const there = `/proc/${seenBy}/root${pathOfOpenFile(local, here.fd)}`;
    return call(local, openat(AT.FDCWD, there, O.RDONLY | O.DIRECTORY));
  });
}

/** It lies beside the images, as with runc, and says where the standard descriptors of the container's process led. */
const DESCRIPTORS_FILE = 'descriptors.json';

/** @throws EffectError */
export function writeDescriptors(local: Kernel, { images }: Directories, links: readonly string[]): void {
  doing(`write ${DESCRIPTORS_FILE}`, () => {
    const flags = O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW;
    using file = opened(local, openat(images, DESCRIPTORS_FILE, flags, 0o600));
    call(local, write(file.fd, JSON.stringify(links)));
  });
}

const DESCRIPTORS_LIMIT = 1 << 20;

/** @param imagePath of a checkpoint @throws EffectError where there is none */
export function readDescriptors(local: Kernel, imagePath: string): readonly string[] {
  const path = `${imagePath}/${DESCRIPTORS_FILE}`;
  return doing(`read the checkpoint: ${path}`, () => {
    const links: unknown = JSON.parse(readSmallFile(local, path, DESCRIPTORS_LIMIT));
    if (!Array.isArray(links) || !links.every((link) => typeof link === 'string'))
      throw new EffectError('it is no list of texts');
    return links;
  });
}
