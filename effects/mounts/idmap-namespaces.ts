/** User namespaces that nobody lives in: id-mapped mounts take their mappings from one (mount_setattr(2)). */

import { close, openat, write } from '../../native/calls/files.ts';
import { unshare } from '../../native/calls/process.ts';
import { reapChild } from '../../native/calls/reap.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE } from '../../native/constants/process.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';
import type { Stage } from '../../native/stage/spawn.ts';
import { doing } from '../error.ts';
import { type Mappings, mapText } from '../namespaces/user/mappings.ts';
import type { Session } from '../session.ts';

/**
 * Each is the namespace of a process that lives as long as `action`; equal mappings share one.
 * @param action gets the path of the namespace with given mappings
 * @throws EffectError
 */
export function withMappedNamespaces<T>(session: Session, action: (pathOf: (mappings: Mappings) => string) => T): T {
  const { platform, inheritance } = session;
  const { local } = platform;
  const stages = new Map<string, Stage>();
  try {
    return action((mappings) => {
      const key = `${mapText(mappings.uid)}:${mapText(mappings.gid)}`;
      let stage = stages.get(key);
      if (stage === undefined) {
        stage = platform.spawnStage(inheritance.stdio, 'mapped');
        stages.set(key, stage);
        makeMapped(session, stage, mappings);
      }
      return `/proc/${stage.pid}/ns/user`;
    });
  } finally {
    for (const { pid, connection } of stages.values()) {
      attempt(local, close(connection));
      reapChild(local, pid);
    }
  }
}

function makeMapped({ platform: { local } }: Session, { kernel, pid }: Stage, { uid, gid }: Mappings): void {
  doing('make a user namespace for an id-mapped mount', () => {
    perform(kernel, [unshare(CLONE.NEWUSER)]);
    for (const [file, mappings] of [
      ['uid_map', uid],
      ['gid_map', gid],
    ] as const)
      perform(local, [
        openat(AT.FDCWD, `/proc/${pid}/${file}`, O.WRONLY),
        write(result(0), mapText(mappings)),
        close(result(0)),
      ]);
  });
}
