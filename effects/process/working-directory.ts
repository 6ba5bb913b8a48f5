/** The working directory of the container's process. */

import { close, fchdir, openat, openat2 } from '../../native/calls/files.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, O, RESOLVE } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import { EffectError } from '../error.ts';
import { makePlaceholder, openInRoot } from '../paths/in-root.ts';

/** The calls that enter a working directory. They may fail. */
export interface Entering {
  readonly opened: ResultRef<Fd>;
  readonly entered: ResultRef;
  /** Reads the batch's results. @returns 0, or the errno of the call that failed */
  readonly errnoIn: (results: readonly number[]) => number;
}

/**
 * Opens a working directory, but not through a magic link. `/proc/self/fd/N` would lead out of the root wherever a
 * directory of the host's happens to be open (CVE-2024-21626).
 */
const openDirectory = (cwd: string): Call<Fd> =>
  openat2(AT.FDCWD, cwd, { flags: O.PATH | O.DIRECTORY, resolve: RESOLVE.NO_MAGICLINKS });

/** Adds: enter the working directory. */
export function addEnter(batch: Batch, cwd: string): Entering {
  const opened = batch.try(openDirectory(cwd));
  const entered = batch.try(fchdir(opened));
  batch.try(close(opened));
  return {
    opened,
    entered,
    errnoIn(results) {
      const open = resultOf(results, opened);
      return open < 0 ? -open : -resultOf(results, entered);
    },
  };
}

/** The same for a directory that must be entered: the batch stops where it fails. */
export function addMustEnter(batch: Batch, cwd: string): void {
  const opened = batch.add(openDirectory(cwd));
  batch.add(fchdir(opened));
  // The filter's listener is to get the lowest free number (seccomp/agent.ts), which is this one.
  batch.add(close(opened));
}

export const cwdError = (cwd: string, errno: number): EffectError =>
  new EffectError(
    `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${errnoText(errno)} (${errnoName(errno)})`,
    { about: { path: cwd, syscall: 'chdir', errno } },
  );

/** Makes a working directory that is missing, as runc does. */
export function makeWorkingDirectory(init: Kernel, cwd: string): void {
  const batch = new Batch();
  const opened = batch.add(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  const found = batch.try(openInRoot(opened, cwd, O.PATH));
  batch.try(close(found));
  const results = perform(init, batch.calls);
  using root = new Owned(init, resultOf(results, opened));
  if (resultOf(results, found) !== -ERRNO.ENOENT) return;
  try {
    makePlaceholder(init, root.fd, cwd, 'directory');
  } catch {
    // Nobody may write to the rootfs, say. Whoever enters the directory then says that it is not there.
  }
}
