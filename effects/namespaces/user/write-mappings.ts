/** Writes the mappings of a new user namespace: directly, or by newuidmap and newgidmap where the caller may not. */

import { close, openat, write } from '../../../native/calls/files.ts';
import { prctl } from '../../../native/calls/process.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { PR } from '../../../native/constants/process.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt, call, isErrno, perform, SyscallError } from '../../../native/kernel/perform.ts';
import { result } from '../../../native/kernel/struct.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import type { IDMapping } from '../../../spec/types.ts';
import { EffectError, reasonOf } from '../../error.ts';
import { connectedInit, type Session } from '../../session.ts';
import { mappingsOf, mapText } from './mappings.ts';

interface WrittenMappings {
  /** False where setgroups(2) had to be forbidden for the sake of the mapping. */
  readonly mayDropGroups: boolean;
}

/** @throws EffectError */
export async function writeMappings(session: Session, record: ContainerRecord): Promise<WrittenMappings> {
  const { kernel, pid } = connectedInit(session);
  const { local } = session.platform;
  const { uid, gid } = mappingsOf(record.config);
  if (record.owner === 0) {
    writeMap(local, pid, 'uid_map', uid);
    writeMap(local, pid, 'gid_map', gid);
    return { mayDropGroups: true };
  }
  // These files belong to the process's user only while it is dumpable. Nothing of the container's runs yet that could make use of it.
  call(kernel, prctl(PR.SET_DUMPABLE, 1));
  try {
    await mapDirectlyOrByTool(session, pid, 'uid_map', uid);
    // Only its own group alone may a user map directly, and only when the groups that it has cannot be dropped.
    const single = gid.length === 1 && gid[0]?.size === 1;
    if (single) writeFile(local, pid, 'setgroups', 'deny');
    await mapDirectlyOrByTool(session, pid, 'gid_map', gid);
    return { mayDropGroups: !single };
  } finally {
    attempt(kernel, prctl(PR.SET_DUMPABLE, 0));
  }
}

type MapFile = 'uid_map' | 'gid_map';

async function mapDirectlyOrByTool(
  session: Session,
  pid: number,
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

const writeMap = (local: Kernel, pid: number, file: MapFile, mappings: readonly IDMapping[]): void =>
  writeFile(local, pid, file, mapText(mappings));

/** In one write(2), which these files insist on. */
function writeFile(local: Kernel, pid: number, file: string, text: string): void {
  const path = `/proc/${pid}/${file}`;
  const fd = result(0);
  try {
    const [opened = -1, written = 0] = perform(local, [
      openat(AT.FDCWD, path, O.WRONLY),
      { ...write(fd, text), mayFail: true },
      close(fd),
    ]);
    if (opened >= 0 && written < 0) throw new SyscallError(write(opened, text), -written);
  } catch (error) {
    const lines = text.trim().split('\n').length;
    const what = lines > 5 ? `${lines} lines` : JSON.stringify(text.trim());
    throw new EffectError(`write ${what} to ${path}: ${reasonOf(error)}`, { cause: error });
  }
}
