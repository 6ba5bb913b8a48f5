/**
 * Lets one command at a time work on a container, by flock(2) on the container's directory. When a command dies, the
 * kernel lets go of its lock.
 */

import { flock } from '../../native/calls/files.ts';
import { LOCK } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { type Directory, isCurrent } from './directory.ts';
import { missing, StoreError, storeFailure } from './error.ts';

/**
 * How to wait for a lock. The engine must go on meanwhile: one process may work on several containers, and the lock may
 * be held by another actor of the same process.
 */
export interface Patience {
  /** How long a command waits for the lock of another one. */
  readonly milliseconds: number;
  sleep(milliseconds: number): Promise<void>;
}

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** Tries to take the lock, once. @returns false where another command holds it */
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
 * Takes the lock, and waits for it where another command holds it.
 * @throws StoreError `busy` when the time of `patience` is over; `missing` when the container was deleted meanwhile
 */
export async function lock(kernel: Kernel, directory: Directory, patience: Patience): Promise<void> {
  let waited = 0;
  for (let pause = FIRST_PAUSE_MS; !tryLock(kernel, directory); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (waited >= patience.milliseconds)
      throw new StoreError('busy', `container ${directory.id} is busy: another command is working on it`);
    await patience.sleep(pause);
    waited += pause;
  }
  if (!isCurrent(kernel, directory)) throw missing(directory.root, directory.id);
}

/** Lets go of the lock. Closing the directory lets go of it too. */
export function unlock(kernel: Kernel, directory: Directory): void {
  attempt(kernel, flock(directory.fd, LOCK.UN));
}
