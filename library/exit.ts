/** How a process ended, as the library tells it. */

import type { Exited } from '../effects/running/wait.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import type { SignalName } from './signals.ts';

/** How a process of a container ended. */
export interface Exit {
  /** 0 to 255; 128 plus the signal's number where a signal ended it. */
  readonly status: number;
  /** The signal that ended it. */
  readonly signal?: SignalName;
}

export function exitOf({ status, signal }: Exited): Exit {
  const name = Object.entries(SIGNALS).find(([, number]) => number === signal)?.[0];
  return { status, ...(isSignal(name) ? { signal: name } : {}) };
}

const isSignal = (name: string | undefined): name is SignalName => name !== undefined && name in SIGNALS;
