/** Whom an init that waits for `start` serves: the user who made it, by the uid that the init sees him have. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { hostId, insideId, inUserNamespace, mappingsOf } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';

export interface StartPeer {
  /** In the init's user namespace. */
  readonly uid: number;
  /** The uid to connect with, in this process's user namespace, where the user's own will not do. */
  readonly connectAs?: number | undefined;
}

/**
 * A user namespace that does not map its maker shows him as the overflow uid, like everybody else whom it does not map.
 * There the init serves its own uid. Nobody but its maker can connect as that: it takes the right that mapped the uid.
 * @param pid the init's
 * @throws EffectError
 */
export function startPeer(local: Kernel, { config, owner }: ContainerRecord, pid: number): StartPeer {
  if (!inUserNamespace(config)) return { uid: owner };
  const { uid: mappings } = makesNamespace(config, 'user') ? mappingsOf(config) : readMappings(local, pid);
  const uid = insideId(mappings, owner);
  return uid === undefined ? { uid: 0, connectAs: hostId(mappings, 0) } : { uid };
}
