/** How a simulated call ends where it does not succeed. */

import { ERRNO, type ErrnoName } from '../../native/constants/errno.ts';

/** The call's result is `-errno`. */
export class Failure extends Error {
  readonly errno: number;
  constructor(name: ErrnoName) {
    super(name);
    this.errno = ERRNO[name];
  }
}

export function fail(name: ErrnoName): never {
  throw new Failure(name);
}

/** A call would wait for something that cannot come, since nothing else runs. The effect or the test is wrong. */
export class WouldWaitForever extends Error {
  override readonly name = 'WouldWaitForever';
}
