/** Who owns the pipes that the runtime makes for a process in a user namespace. */

import { attempt } from '../../../native/kernel/perform.ts';
import type { Session } from '../../session.ts';
import { hostId, type Mappings } from './mappings.ts';

/**
 * Pipes of our own become the namespace's root's, who hands them on to the process's user: or nobody inside could open
 * /dev/stdout. What the caller gave stays the caller's.
 */
export function givePipes({ platform: { local }, inheritance }: Session, mappings: Mappings): void {
  const uid = hostId(mappings.uid, 0);
  const gid = hostId(mappings.gid, 0);
  if (uid === undefined || gid === undefined) return;
  for (const fd of inheritance.pipes ?? []) attempt(local, { name: 'fchown', args: [fd, uid, gid] });
}
