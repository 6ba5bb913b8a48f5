/**
 * Rules of the lifecycle that others than the chart need, too. They are pure, and do without XState: `state` and `list`
 * do not load it.
 */

import { hasOwnPids } from '../spec/pids.ts';
import type { ContainerRecord, Facts } from '../spec/record.ts';
import type { Config, Status } from '../spec/types.ts';
import type { KillRequest } from './contract.ts';
import type { Request } from './events.ts';
import type { PersistedState } from './status.ts';

/** A request that leaves the record alone needs no lock: a hook may send it while `create` holds the lock. */
export const needsLock = (request: Request['type']): boolean =>
  request !== 'kill' && request !== 'exec' && request !== 'events';

const SIGKILL = 9;

/**
 * Whether a signal is for all processes. SIGKILL is, in a container without a pid namespace of its own: there the other
 * processes outlive the init.
 */
export const reachesAll = (config: Config, { signal, all }: KillRequest): boolean =>
  all || (signal === SIGKILL && !hasOwnPids(config));

/** The state that a container is in, after what the kernel says. */
export function observedState({ reached }: Pick<ContainerRecord, 'reached'>, facts: Facts): PersistedState {
  // What is left of a creation that did not end is anybody's guess: it can only be deleted.
  if (reached === 'creating') return 'unfinished';
  if (facts.init === 'gone') return 'stopped';
  if (facts.frozen) return 'paused';
  // Just after `start`, the kernel may still show the init's program instead of the container's.
  return facts.started || reached === 'running' ? 'running' : 'created';
}

/** The runtime specification's name for a state. */
export const statusIn = (state: PersistedState): Status => (state === 'unfinished' ? 'creating' : state);

/** Whether the kernel must be asked. Nothing happens any more to a container that is unfinished or stopped. */
export const mayHaveChanged = (state: PersistedState): boolean => state !== 'unfinished' && state !== 'stopped';
