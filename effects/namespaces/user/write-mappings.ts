/** Writes the mappings of a new user namespace: directly, or by newuidmap(1) and newgidmap(1) if the user may not. */

import { close, openat, write } from '../../../native/calls/files.ts';
import { prctl } from '../../../native/calls/process.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { PR } from '../../../native/constants/process.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Pid } from '../../../native/kernel/numbers.ts';
import { attempt, call, isErrno, perform, succeeded } from '../../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import type { IDMapping } from '../../../spec/types.ts';
import { EffectError, reasonOf } from '../../error.ts';
import { connectedInit, type Session } from '../../session.ts';
import { mappingsOf, mapText } from './mappings.ts';

interface WrittenMappings {
  /** False if the mapping was only possible after setgroups(2) had been forbidden. */
  readonly mayDropGroups: boolean;
}

/** Writes those of the init's. @throws EffectError */
export async function writeMappings(session: Session, record: ContainerRecord): Promise<WrittenMappings> {
  const { kernel, pid } = connectedInit(session);
  const { local } = session.platform;
  const { uid, gid } = mappingsOf(record.config);
  if (record.owner === 0) {
    writeMap(local, pid, 'uid_map', uid);
    writeMap(local, pid, 'gid_map', gid);
    return { mayDropGroups: true };
  }
  // These files belong to the process's user only while the process is dumpable. Nothing of the container runs yet that
  // could make use of that.
  call(kernel, prctl(PR.SET_DUMPABLE, 1));
  try {
    await mapDirectlyOrByTool(session, pid, 'uid_map', uid);
    // A user may directly map no group but his own, and only once setgroups(2) cannot drop the groups that he has.
    const single = gid.length === 1 && gid[0]?.size === 1;
    if (single) writeFile(local, pid, 'setgroups', 'deny');
    await mapDirectlyOrByTool(session, pid, 'gid_map', gid);
    return { mayDropGroups: !single };
  } finally {
    attempt(kernel, prctl(PR.SET_DUMPABLE, 0));
  }
}

type MapFile = 'uid_map' | 'gid_map';

/** @throws EffectError */
async function mapDirectlyOrByTool(
  session: Session,
  pid: Pid,
  file: MapFile,
  mappings: readonly IDMapping[],
): Promise<void> {
  try {
    writeMap(session.platform.local, pid, file, mappings);
  } catch (error) {
    if (!(error instanceof EffectError) || !isErrno(error.cause, 'EPERM')) throw error;
    const { mapByTool } = await import('./mapping-tool.ts');
    await mapByTool(session, file === 'uid_map' ? 'newuidmap' : 'newgidmap', pid, mappings);
  }
}

/** Writes the mappings of a process's new user namespace. @throws EffectError */
export const writeMap = (local: Kernel, pid: Pid, file: MapFile, mappings: readonly IDMapping[]): void =>
  writeFile(local, pid, file, mapText(mappings));

/** Writes all of it at once: these files accept one write(2). */
function writeFile(local: Kernel, pid: Pid, file: MapFile | 'setgroups', text: string): void {
  const path = `/proc/${pid}/${file}`;
  const batch = new Batch();
  const opened = batch.add(openat(AT.FDCWD, path, O.WRONLY));
  const writing = write(opened, text);
  const written = batch.try(writing);
  batch.add(close(opened));
  try {
    succeeded(writing, resultOf(perform(local, batch.calls), written));
  } catch (error) {
    const lines = text.trim().split('\n').length;
    const what = lines > 5 ? `${lines} lines` : JSON.stringify(text.trim());
    throw new EffectError(`write ${what} to ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
