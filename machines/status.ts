/** The states of the lifecycle machine, and what the runtime specification calls them. */

import { STATUSES } from '../spec/record.ts';
import type { Status } from '../spec/types.ts';

/** A tag of a state: a status, or `settled`. In a settled state nothing goes on, and the machine takes a request. */
export type Tag = Status | 'settled';

/** The settled states, which are written down. */
export const PERSISTED_STATES = ['unfinished', 'created', 'running', 'paused', 'stopped'] as const;
export type PersistedState = (typeof PERSISTED_STATES)[number];

/** What a request finds: a status; `absent` where there is no container; `busy` between two settled states. */
export type Situation = Status | 'absent' | 'busy';

/** @returns undefined where there is no container yet, or none any more */
export function statusOf(snapshot: { hasTag(tag: Tag): boolean }): Status | undefined {
  return STATUSES.find((status) => snapshot.hasTag(status));
}

export function situationOf(snapshot: { hasTag(tag: Tag): boolean; readonly status: string }): Situation {
  if (snapshot.status === 'active' && !snapshot.hasTag('settled')) return 'busy';
  return statusOf(snapshot) ?? 'absent';
}
