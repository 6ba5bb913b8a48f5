/** What a state of the lifecycle machine means to the runtime specification. */

import { STATUSES } from '../spec/record.ts';
import type { Status } from '../spec/types.ts';

/** A status, or `settled`: nothing is under way, and the machine takes the next request. */
export type Tag = Status | 'settled';

/** @returns undefined where there is no container, not yet or no longer. */
export function statusOf(snapshot: { hasTag(tag: Tag): boolean }): Status | undefined {
  return STATUSES.find((status) => snapshot.hasTag(status));
}
