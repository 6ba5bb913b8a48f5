/** What a state of the lifecycle machine means to the runtime specification. */

import { STATUSES } from '../spec/record.ts';
import type { Status } from '../spec/types.ts';

/** A status, or `settled`: nothing is under way, and the machine takes the next request. */
export type Tag = Status | 'settled';

/** The states that are written down: nothing is under way in them. */
export const PERSISTED_STATES = ['unfinished', 'created', 'running', 'paused', 'stopped'] as const;
export type PersistedState = (typeof PERSISTED_STATES)[number];

/** Where a request finds a container: a status; `absent` without a container; `busy` on the way between two states. */
export type Situation = Status | 'absent' | 'busy';

/** @returns undefined where there is no container, not yet or no longer. */
export function statusOf(snapshot: { hasTag(tag: Tag): boolean }): Status | undefined {
  return STATUSES.find((status) => snapshot.hasTag(status));
}

export function situationOf(snapshot: { hasTag(tag: Tag): boolean; readonly status: string }): Situation {
  if (snapshot.status === 'active' && !snapshot.hasTag('settled')) return 'busy';
  return statusOf(snapshot) ?? 'absent';
}
