/** Where images, logs and the list of descriptors are. */

import { close, fchmod, fchownat, mkdirat, openat, unlinkat, write } from '../../native/calls/files.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, SyscallError } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';
import type { Directories } from './options.ts';

interface DirectoryPaths {
  readonly imagePath: string;
  readonly workPath?: string | undefined;
}

/** Nobody else may look at the memory of the container's processes. */
const MODE = 0o700;

/** Makes those that are missing. @returns whether that of the images is one of them @throws EffectError */
export function makeDirectories(local: Kernel, { imagePath, workPath }: DirectoryPaths): boolean {
  let madeImages = false;
  for (const path of workPath === undefined ? [imagePath] : [imagePath, workPath]) {
    const parts = path.split('/');
    for (let depth = 2; depth <= parts.length; depth++) {
      const one = mkdirat(AT.FDCWD, parts.slice(0, depth).join('/'), MODE);
      const result = attempt(local, one);
      if (result < 0 && result !== -ERRNO.EEXIST)
        throw new EffectError(`mkdir ${path}: ${reasonOf(new SyscallError(one, -result))}`);
      if (depth === parts.length && path === imagePath) madeImages = result >= 0;
    }
  }
  return madeImages;
}

/** A restore in a user namespace opens its images from inside: its root may pass, by their names alone. @param gid of root's group, outside */
export function letPass(local: Kernel, { images }: Directories, gid: number): void {
  attempt(local, fchownat(images, '', -1, gid, AT.EMPTY_PATH));
  attempt(local, fchmod(images, 0o710));
}

/**
 * @param seenBy a process in whose mount namespace they are to be: CRIU mounts in its work directory
 * @returns descriptors, for `closeDirectories` @throws EffectError
 */
export function openDirectories(
  local: Kernel,
  { imagePath, workPath }: DirectoryPaths,
  seenBy: number | 'self' = 'self',
): Directories {
  const images = openDirectory(local, imagePath, seenBy);
  if (workPath === undefined) return { images };
  try {
    return { images, work: openDirectory(local, workPath, seenBy) };
  } catch (error) {
    attempt(local, close(images));
    throw error;
  }
}

export function closeDirectories(local: Kernel, { images, work }: Directories): void {
  for (const fd of work === undefined ? [images] : [images, work]) attempt(local, close(fd));
}

/**
 * A log of an earlier try would be taken for that of this one.
 * @returns the path of the new one
 */
export function withoutLog(local: Kernel, { imagePath, workPath }: DirectoryPaths, name: string): string {
  const path = `${workPath ?? imagePath}/${name}`;
  attempt(local, unlinkat(AT.FDCWD, path));
  return path;
}

function openDirectory(local: Kernel, path: string, seenBy: number | 'self'): number {
  try {
    const here = call(local, openat(AT.FDCWD, path, O.RDONLY | O.DIRECTORY));
    if (seenBy === 'self') return here;
    try {
      // Without its symlinks (containerd has one): an absolute one would lead to this process's mounts.
      return call(
        local,
        openat(AT.FDCWD, `/proc/${seenBy}/root${pathOfOpenFile(local, here)}`, O.RDONLY | O.DIRECTORY),
      );
    } finally {
      attempt(local, close(here));
    }
  } catch (error) {
    throw new EffectError(`open ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Beside the images: where the standard descriptors of the container's first process led, as runc has it. */
const DESCRIPTORS_FILE = 'descriptors.json';

/** @throws EffectError */
export function writeDescriptors(local: Kernel, { images }: Directories, links: readonly string[]): void {
  try {
    const fd = call(local, openat(images, DESCRIPTORS_FILE, O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW, 0o600));
    try {
      call(local, write(fd, JSON.stringify(links)));
    } finally {
      attempt(local, close(fd));
    }
  } catch (error) {
    throw new EffectError(`write ${DESCRIPTORS_FILE}: ${reasonOf(error)}`, { cause: error });
  }
}

const DESCRIPTORS_LIMIT = 1 << 20;

/** @param imagePath of a checkpoint @throws EffectError where there is none */
export function readDescriptors(local: Kernel, imagePath: string): readonly string[] {
  const path = `${imagePath}/${DESCRIPTORS_FILE}`;
  try {
    const links: unknown = JSON.parse(readSmallFile(local, path, DESCRIPTORS_LIMIT));
    if (!Array.isArray(links) || !links.every((link) => typeof link === 'string'))
      throw new EffectError('it is no list of texts');
    return links;
  } catch (error) {
    throw new EffectError(`read the checkpoint: ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
