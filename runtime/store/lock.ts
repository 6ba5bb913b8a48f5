/** One command at a time on a container: flock(2) on its directory. The kernel lets go of it when a command dies. */

import { flock } from '../../native/calls/files.ts';
import { LOCK } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { type Directory, isCurrent } from './directory.ts';
import { missing, StoreError, storeFailure } from './error.ts';

/**
 * Waiting for others, without stopping the engine: one process may be working on several containers,
 * and what holds the lock may be another actor of this very process.
 */
export interface Patience {
  /** How long a command waits for another one's lock. */
  readonly milliseconds: number;
  sleep(milliseconds: number): Promise<void>;
}

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Tries once. @returns false where another command holds the lock */
export function tryLock(kernel: Kernel, directory: Directory): boolean {
  for (;;) {
    try {
      call(kernel, flock(directory.fd, LOCK.EX | LOCK.NB));
      return true;
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) return false;
      if (!isErrno(error, 'EINTR')) throw storeFailure(`lock container ${directory.id}`, error);
    }
  }
}

/**
 * Takes the lock.
 * @throws StoreError `busy` after the patience's time; `missing` when the container was deleted meanwhile
 */
export async function lock(kernel: Kernel, directory: Directory, patience: Patience): Promise<void> {
  let waited = 0;
  for (let pause = FIRST_PAUSE_MS; !tryLock(kernel, directory); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (waited >= patience.milliseconds)
      throw new StoreError('busy', `container ${directory.id} is busy: another command is working on it`);
    await patience.sleep(pause);
    waited += pause;
  }
  if (!isCurrent(kernel, directory)) throw missing();
}

/** Lets go of the lock; closing the directory does too. */
export function unlock(kernel: Kernel, directory: Directory): void {
  attempt(kernel, flock(directory.fd, LOCK.UN));
}
