/** What the last steps before execve depend on, asked for inside of the container. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { isCharacterDevice, NULL_DEVICE, ownerOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Process } from '../../spec/types.ts';
import { variable } from './environment.ts';
import { addFindHome } from './passwd.ts';
import { addFindProgram } from './program.ts';
import { addEnter, cwdError, type Entering } from './working-directory.ts';

export interface Surroundings {
  /** The path for execve. */
  readonly program: string;
  readonly home: string | undefined;
  /** The working directory could not be entered yet: perhaps the process's user can. */
  readonly cwdDenied: boolean;
  /** Standard descriptors that the process's user does not own. */
  readonly foreignStdio: readonly number[];
  /** Standard descriptors that are the host's /dev/null, where the container has its own: CRIU knows but that. */
  readonly nullStdio: readonly number[];
}

/** What the last batch depends on, in one round trip. @throws EffectError when the working directory is not there */
export function lookAround(kernel: Kernel, process: Process): Surroundings {
  const batch = new Batch();
  const { surroundingsIn } = addLookAround(batch, process);
  return surroundingsIn(kernel, perform(kernel, batch.calls));
}

interface LookAround extends Entering {
  /** Given the batch's results. @throws EffectError as `lookAround` does */
  readonly surroundingsIn: (kernel: Kernel, results: readonly number[]) => Surroundings;
}

export function addLookAround(batch: Batch, process: Process): LookAround {
  const { entering, errnoIn } = addEnter(batch, process.cwd);
  const stdio = [0, 1, 2].map((fd) => {
    const stat = out(STATX_BYTES);
    return { fd, stat, look: batch.try(statx(fd, '', stat)) };
  });
  const ownNull = out(STATX_BYTES);
  const nullLook = batch.try(statx(AT.FDCWD, '/dev/null', ownNull));
  const homeIn = variable(process.env ?? [], 'HOME') ? undefined : addFindHome(batch);
  const programIn = addFindProgram(batch, process);
  const surroundingsIn = (kernel: Kernel, results: readonly number[]): Surroundings => {
    const entered = errnoIn(results);
    if (entered > 0 && entered !== ERRNO.EACCES && entered !== ERRNO.EPERM) throw cwdError(process.cwd, entered);
    const uid = process.user?.uid ?? 0;
    const open = stdio.filter(({ look }) => (results[look.index] ?? -1) >= 0);
    const hasNull = (results[nullLook.index] ?? -1) >= 0 && isCharacterDevice(ownNull, NULL_DEVICE);
    return {
      program: programIn(results),
      home: homeIn?.(kernel, results, uid),
      cwdDenied: entered > 0,
      foreignStdio: open.filter(({ stat }) => isForeign(stat, uid)).map(({ fd }) => fd),
      nullStdio: open.filter(({ stat }) => hasNull && isCharacterDevice(stat, NULL_DEVICE)).map(({ fd }) => fd),
    };
  };
  return { entering, errnoIn, surroundingsIn };
}

const isForeign = (stat: Out, uid: number): boolean => !isCharacterDevice(stat, NULL_DEVICE) && ownerOf(stat) !== uid;
