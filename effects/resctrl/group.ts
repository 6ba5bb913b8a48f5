/** Makes a container's resctrl group, puts processes into it, changes and removes it. */

import { mkdirat, unlinkat } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { ResctrlRecord } from '../../spec/record.ts';
import type { IntelRdt } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { controlError, isThere, writeControl } from './files.ts';
import { schemataText } from './schemata.ts';

const APPLYING = 'unable to apply Intel RDT configuration';

/** Somebody else has made the group since it was planned. It must not be removed. */
export class TakenGroupError extends EffectError {}

/** Makes the group, with its limits and without a process. @throws EffectError */
export function makeGroup(local: Kernel, record: ResctrlRecord, intelRdt: IntelRdt): void {
  const { root, path, made } = record;
  if (made) {
    try {
      call(local, mkdirat(AT.FDCWD, path, 0o755));
    } catch (error) {
      const words = `${APPLYING}: mkdir ${path}`;
      if (isErrno(error, 'EEXIST')) throw new TakenGroupError(`${words}: ${reasonOf(error)}`, { cause: error });
      throw controlError(local, root, words, error);
    }
  }
  writeSchemata(local, record, intelRdt);
  const { monitor } = record;
  if (monitor === undefined) return;
  try {
    call(local, mkdirat(AT.FDCWD, monitor, 0o755));
  } catch (error) {
    throw controlError(local, root, `${APPLYING}: mkdir ${monitor}`, error);
  }
}

/** Sets the limits of a group. @throws EffectError */
export function writeSchemata(local: Kernel, { root, path }: ResctrlRecord, intelRdt: IntelRdt): void {
  const text = schemataText(intelRdt);
  if (text === '') return;
  writeControl(local, root, `${path}/schemata`, text, `intelrdt: unable to write ${JSON.stringify(text)}`);
}

/**
 * Puts the container's init into the group. The processes that it starts are in the same group.
 * @param pid as this process sees it
 * @throws EffectError
 */
export function addToGroup(local: Kernel, record: ResctrlRecord, pid: Pid): void {
  const { root } = record;
  for (const group of groupsOf(record))
    writeControl(
      local,
      root,
      `${group}/tasks`,
      String(pid),
      `${APPLYING}: intelrdt: unable to add pid ${pid} to ${group}`,
    );
}

/**
 * Puts a process of `exec` into the group. If somebody has removed the group, the process runs without it, as with
 * runc.
 * @param pid as this process sees it
 * @throws EffectError
 */
export function addExecToGroup(local: Kernel, record: ResctrlRecord, pid: Pid): void {
  const { root } = record;
  for (const group of groupsOf(record))
    if (isThere(local, group))
      writeControl(local, root, `${group}/tasks`, String(pid), `error adding pid ${pid} to Intel RDT: ${group}`);
}

/**
 * The groups of a process, in the order of joining: the first one also puts it into its own default monitoring group.
 */
const groupsOf = ({ path, monitor }: ResctrlRecord): readonly string[] =>
  monitor === undefined ? [path] : [path, monitor];

/** Removes what was made for this container alone. It is fine if it is gone. @throws EffectError */
export function removeGroup(local: Kernel, { path, owned, monitor }: ResctrlRecord): void {
  if (monitor !== undefined) removeDirectory(local, monitor);
  if (owned) removeDirectory(local, path);
}

function removeDirectory(local: Kernel, path: string): void {
  try {
    call(local, unlinkat(AT.FDCWD, path, AT.REMOVEDIR));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw new EffectError(`unable to remove container's IntelRDT group: rmdir ${path}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
