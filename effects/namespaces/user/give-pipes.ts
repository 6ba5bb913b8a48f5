/** The owner of pipes that the runtime makes for a process in a user namespace. */

import { attempt } from '../../../native/kernel/perform.ts';
import type { Session } from '../../session.ts';
import { hostId, type Mappings } from './mappings.ts';

/**
 * Gives our own pipes to the root of the namespace, who hands them on to the process's user. Otherwise nobody inside
 * could open /dev/stdout. A descriptor that the caller passed to us keeps its owner.
 */
export function givePipes({ platform: { local }, inheritance }: Session, mappings: Mappings): void {
  const uid = hostId(mappings.uid, 0);
  const gid = hostId(mappings.gid, 0);
  if (uid === undefined || gid === undefined) return;
  for (const fd of inheritance.pipes ?? []) attempt(local, { name: 'fchown', args: [fd, uid, gid] });
}
