/** User namespaces in which nobody lives: an id-mapped mount takes its mappings from one (mount_setattr(2)). */

import { unshare } from '../../native/calls/process.ts';
import { CLONE } from '../../native/constants/process.ts';
import { call } from '../../native/kernel/perform.ts';
import { OwnedStage } from '../../native/stage/owned-stage.ts';
import type { Stage } from '../../native/stage/stage.ts';
import { doing } from '../error.ts';
import { type Mappings, mapText } from '../namespaces/user/mappings.ts';
import { writeMap } from '../namespaces/user/write-mappings.ts';
import type { Session } from '../session.ts';

/**
 * Each namespace is that of a process that lives as long as `action` runs. Equal mappings share one.
 * @param action gets a function that returns the path of a namespace with given mappings
 * @throws EffectError
 */
export function withMappedNamespaces<T>(
  session: Session,
  action: (namespacePathOf: (mappings: Mappings) => string) => T,
): T {
  const { platform, inheritance } = session;
  const { local } = platform;
  const stages = new Map<string, OwnedStage>();
  try {
    return action((mappings) => {
      const key = `${mapText(mappings.uid)}:${mapText(mappings.gid)}`;
      let owned = stages.get(key);
      if (owned === undefined) {
        owned = new OwnedStage(local, platform.spawnStage(inheritance.stdio, 'mapped'));
        stages.set(key, owned);
        makeMapped(session, owned.stage, mappings);
      }
      return `/proc/${owned.stage.pid}/ns/user`;
    });
  } finally {
    for (const owned of stages.values()) owned[Symbol.dispose]();
  }
}

function makeMapped({ platform: { local } }: Session, { kernel, pid }: Stage, { uid, gid }: Mappings): void {
  doing('make a user namespace for an id-mapped mount', () => {
    call(kernel, unshare(CLONE.NEWUSER));
    writeMap(local, pid, 'uid_map', uid);
    writeMap(local, pid, 'gid_map', gid);
  });
}
