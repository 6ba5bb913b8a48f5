/** Finds out, inside of the container, what the last steps before execve depend on. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { isCharacterDevice, NULL_DEVICE, ownerOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { out } from '../../native/kernel/struct.ts';
import { performAwaited, type Waiting } from '../answers.ts';
import { variable } from './environment.ts';
import type { GroupedProcess } from './groups.ts';
import { addFindHome } from './passwd.ts';
import { addFindProgram } from './program.ts';
import { addEnter, cwdError, type Entering } from './working-directory.ts';

export interface Surroundings {
  /** The program's path, for execve. */
  readonly program: string;
  /** The user's home directory, where the environment names none. */
  readonly home: string | undefined;
  /** Root may not enter the working directory: perhaps the process's user may. */
  readonly cwdDenied: boolean;
  /** Standard descriptors that the process's user does not own. */
  readonly foreignStdio: readonly number[];
  /** Standard descriptors that are the host's /dev/null. CRIU knows only the container's own, if it has one. */
  readonly nullStdio: readonly number[];
}

/** Asks for it in one round trip. @throws EffectError when the program or the working directory is not there */
export async function lookAround(platform: Waiting, kernel: Kernel, process: GroupedProcess): Promise<Surroundings> {
  const batch = new Batch();
  const { surroundingsIn } = addLookAround(batch, process);
  return surroundingsIn(kernel, await performAwaited(platform, kernel, batch.calls));
}

interface LookAround extends Entering {
  /** Reads the batch's results. @throws EffectError as `lookAround` does */
  readonly surroundingsIn: (kernel: Kernel, results: readonly number[]) => Surroundings;
}

/** Adds the same to a batch. */
export function addLookAround(batch: Batch, process: GroupedProcess): LookAround {
  const entering = addEnter(batch, process.cwd);
  const stdio = [0, 1, 2].map((fd) => {
    const stat = out(STATX_BYTES);
    return { fd, stat, look: batch.try(statx(fd, '', stat)) };
  });
  const ownNull = out(STATX_BYTES);
  const nullLook = batch.try(statx(AT.FDCWD, '/dev/null', ownNull));
  const homeIn = variable(process.env ?? [], 'HOME') ? undefined : addFindHome(batch);
  const programIn = addFindProgram(batch, process);
  const surroundingsIn = (kernel: Kernel, results: readonly number[]): Surroundings => {
    const entered = entering.errnoIn(results);
    if (entered > 0 && entered !== ERRNO.EACCES && entered !== ERRNO.EPERM) throw cwdError(process.cwd, entered);
    const uid = process.user?.uid ?? 0;
    const open = stdio.filter(({ look }) => resultOf(results, look) >= 0);
    const hasNull = resultOf(results, nullLook) >= 0 && isCharacterDevice(ownNull, NULL_DEVICE);
    return {
      program: programIn(results),
      home: homeIn?.(kernel, results, uid),
      cwdDenied: entered > 0,
      foreignStdio: open.filter(({ stat }) => isForeign(stat, uid)).map(({ fd }) => fd),
      nullStdio: open.filter(({ stat }) => hasNull && isCharacterDevice(stat, NULL_DEVICE)).map(({ fd }) => fd),
    };
  };
  return { ...entering, surroundingsIn };
}

const isForeign = (stat: Out, uid: number): boolean => !isCharacterDevice(stat, NULL_DEVICE) && ownerOf(stat) !== uid;
