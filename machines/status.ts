/** What a state of the lifecycle machine means to the runtime specification. */

import { STATUSES, type Status } from '../spec/record.ts';

/** A status, or `settled`: nothing is under way, and the machine takes the next request. */
export type Tag = Status | 'settled';

/** @returns undefined where there is no container, not yet or no longer. */
export function statusOf(snapshot: { hasTag(tag: Tag): boolean }): Status | undefined {
  return STATUSES.find((status) => snapshot.hasTag(status));
}
