/** How a simulated call ends that does not succeed. */

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

/** A call that would wait for what cannot come, since nothing else runs: a fault of the effect, or of the test. */
export class WouldWaitForever extends Error {
  override readonly name = 'WouldWaitForever';
}
