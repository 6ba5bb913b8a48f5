/**
 * Keeps the program of one container beside its state. So `start` and `exec` need neither load libseccomp nor look for
 * the profile in the cache, which saves each of them 1.2 ms. The copy is trusted as far as the cache is, and only
 * written while the container is made. Without it the profile is compiled anew.
 */

import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { type CacheKey, compose, readCached, writeNew } from './cache.ts';

/** There is no key: the config that it was compiled for lies in the same folder, and its profile never changes. */
const COPY: CacheKey = { bytes: new Uint8Array(), fileName: 'seccomp' };

/** @param directory of the container's state */
export const readCopy = (local: Kernel, directory: string): Uint8Array | undefined =>
  readCached(local, directory, COPY);

/** Writes the copy. A failure concerns nobody: the profile is then compiled anew. */
export function writeCopy(local: Kernel, directory: string, program: Uint8Array): void {
  writeNew(local, AT.FDCWD, `${directory}/${COPY.fileName}`, compose(COPY, program));
}
