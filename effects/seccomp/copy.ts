/**
 * The program of one container, kept beside its state: `start` and `exec` load neither libseccomp nor look for the profile in
 * the cache, 1.2 ms of each. Trusted as the cache is, and only written while the container is made; without it the
 * profile is compiled anew.
 */

import { close, openat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { result } from '../../native/kernel/struct.ts';
import { type CacheKey, compose, readCached } from './cache.ts';

/** The config that it was compiled for lies in the same folder, and never changes in this. */
const COPY: CacheKey = { bytes: new Uint8Array(), fileName: 'seccomp' };

/** @param directory of the container's state */
export const readCopy = (local: Kernel, directory: string): Uint8Array | undefined =>
  readCached(local, directory, COPY);

/** A failure is no one's concern. */
export function writeCopy(local: Kernel, directory: string, program: Uint8Array): void {
  local.submit([
    openat(AT.FDCWD, `${directory}/${COPY.fileName}`, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600),
    { ...write(result(0), compose(COPY, program)), mayFail: true },
    close(result(0)),
  ]);
}
