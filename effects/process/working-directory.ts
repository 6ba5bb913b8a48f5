/** The working directory of the container's process. */

import type { Batch } from '../../native/batch.ts';
import { close, fchdir, openat2 } from '../../native/calls/files.ts';
import { errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, O, RESOLVE } from '../../native/constants/files.ts';
import { EffectError } from '../error.ts';

export interface Entering {
  /** The calls that enter it, by their places in the batch: they may fail. */
  readonly entering: readonly number[];
  /** What, given the batch's results, answers 0 or the errno. */
  readonly errnoIn: (results: readonly number[]) => number;
}

/**
 * Adds: enter it, by no magic link. `/proc/self/fd/N` would lead out of the root wherever a directory of the
 * host's happens to be open (CVE-2024-21626).
 */
export function addEnter(batch: Batch, cwd: string): Entering {
  const flags = O.PATH | O.DIRECTORY;
  const opened = batch.try(openat2(AT.FDCWD, cwd, { flags, resolve: RESOLVE.NO_MAGICLINKS }));
  const entered = batch.try(fchdir(opened));
  batch.try(close(opened));
  return {
    entering: [opened.index, entered.index],
    errnoIn(results) {
      const open = results[opened.index] ?? 0;
      return open < 0 ? -open : -(results[entered.index] ?? 0);
    },
  };
}

export const cwdError = (cwd: string, errno: number): EffectError =>
  new EffectError(
    `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${errnoText(errno)} (${errnoName(errno)})`,
  );
