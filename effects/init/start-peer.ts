/** Whom an init serves that waits for `start`: the user who made it. The init knows him by the uid that it sees. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { hostId, insideId, inUserNamespace, mappingsOf } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';

export interface StartPeer {
  /** In the init's user namespace. */
  readonly uid: number;
  /** The uid to connect with, in this process's user namespace, where the init does not see the user's own. */
  readonly connectAs?: number | undefined;
}

/**
 * A user namespace may not map the user who made it. It shows him as the overflow uid then, like everybody else whom it
 * does not map. So the init serves its own uid instead. Only its maker can connect with that uid: it takes the right to
 * use it, which the maker had when he mapped it.
 * @param pid the init's, as this process sees it
 * @throws EffectError
 */
export function startPeer(local: Kernel, { config, owner }: ContainerRecord, pid: Pid): StartPeer {
  if (!inUserNamespace(config)) return { uid: owner };
  const { uid: mappings } = makesNamespace(config, 'user') ? mappingsOf(config) : readMappings(local, pid);
  const uid = insideId(mappings, owner);
  return uid === undefined ? { uid: 0, connectAs: hostId(mappings, 0) } : { uid };
}
