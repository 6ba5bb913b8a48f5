/**
 * Rules of the lifecycle that more than the chart is asked for: pure, and without XState, since `state` and `list` ask
 * too.
 */

import { hasOwnPids } from '../spec/pids.ts';
import type { ContainerRecord, Facts } from '../spec/record.ts';
import type { Config, Status } from '../spec/types.ts';
import type { KillRequest } from './contract.ts';
import type { Request } from './events.ts';
import type { PersistedState } from './status.ts';

/** What changes nothing in the record needs no lock: a hook may use it while `create` holds the container's. */
export const needsLock = (request: Request['type']): boolean =>
  request !== 'kill' && request !== 'exec' && request !== 'events';

const SIGKILL = 9;

/** Without a pid namespace of its own, what is left of a container outlives its init: SIGKILL is for all of it then. */
export const reachesAll = (config: Config, { signal, all }: KillRequest): boolean =>
  all || (signal === SIGKILL && !hasOwnPids(config));

/** The state of a container of which the kernel says this. */
export function observedState({ reached }: Pick<ContainerRecord, 'reached'>, facts: Facts): PersistedState {
  // What a creation left is not known until it is deleted.
  if (reached === 'creating') return 'unfinished';
  if (facts.init === 'gone') return 'stopped';
  if (facts.frozen) return 'paused';
  // Before its program starts, the kernel may still show the init's.
  return facts.started || reached === 'running' ? 'running' : 'created';
}

/** What a state means to the runtime specification. */
export const statusIn = (state: PersistedState): Status => (state === 'unfinished' ? 'creating' : state);

/** Whether the kernel is to be asked: nothing happens any more to what is unfinished or has stopped. */
export const mayHaveChanged = (state: PersistedState): boolean => state !== 'unfinished' && state !== 'stopped';
