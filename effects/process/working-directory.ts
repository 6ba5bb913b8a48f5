/** The working directory of the container's process. */

import { close, fchdir, openat, openat2 } from '../../native/calls/files.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, O, RESOLVE } from '../../native/constants/files.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';
import { EffectError } from '../error.ts';
import { makePlaceholder, openInRoot } from '../paths/in-root.ts';

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

/**
 * The same for a batch that this is to end where it fails: one that the process's user may enter, and root may not.
 * @param at how many calls are before these in their batch
 */
export function enterCalls(cwd: string, at: number): readonly Call[] {
  const flags = O.PATH | O.DIRECTORY;
  return [
    openat2(AT.FDCWD, cwd, { flags, resolve: RESOLVE.NO_MAGICLINKS }),
    fchdir(result(at)),
    // The filter's listener is to get the lowest free number (seccomp/agent.ts), which this was.
    close(result(at)),
  ];
}

export const cwdError = (cwd: string, errno: number): EffectError =>
  new EffectError(
    `chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${errnoText(errno)} (${errnoName(errno)})`,
  );

/** One that is missing is made, as runc does. */
export function makeWorkingDirectory(init: Kernel, cwd: string): void {
  const { results } = init.submit([
    openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY),
    { ...openInRoot(result(0), cwd, O.PATH), mayFail: true },
    { ...close(result(1)), mayFail: true },
  ]);
  const [root = -1, found = -1] = results;
  try {
    if (found === -ERRNO.ENOENT) makePlaceholder(init, root, cwd, 'directory');
  } catch {
    // A rootfs that nobody may write to, say: entering it tells why it is not there.
  } finally {
    attempt(init, close(root));
  }
}
