/** A container's resctrl group: made, given processes, changed, removed. */

import { mkdirat, unlinkat } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { ResctrlRecord } from '../../spec/record.ts';
import type { IntelRdt } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { controlError, isThere, writeControl } from './files.ts';
import { schemataText } from './schemata.ts';

const APPLYING = 'unable to apply Intel RDT configuration';

/** The group was not there when it was planned, and is now: somebody else's, and not to be removed. */
export class TakenGroupError extends EffectError {}

/** With its limits, but without a process. @throws EffectError */
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

/** @throws EffectError */
export function writeSchemata(local: Kernel, { root, path }: ResctrlRecord, intelRdt: IntelRdt): void {
  const text = schemataText(intelRdt);
  if (text === '') return;
  writeControl(local, root, `${path}/schemata`, text, `intelrdt: unable to write ${JSON.stringify(text)}`);
}

/** The container's process; what it starts is in the same groups. @param pid as this process sees it. @throws EffectError */
export function addToGroup(local: Kernel, record: ResctrlRecord, pid: number): void {
  const { root, path, monitor } = record;
  // In this order: the first puts it into the group's default of monitoring.
  for (const group of monitor === undefined ? [path] : [path, monitor])
    writeControl(
      local,
      root,
      `${group}/tasks`,
      String(pid),
      `${APPLYING}: intelrdt: unable to add pid ${pid} to ${group}`,
    );
}

/** A process of `exec`. One whose group somebody has removed runs without, as with runc. @throws EffectError */
export function addExecToGroup(local: Kernel, record: ResctrlRecord, pid: number): void {
  const { root, path, monitor } = record;
  for (const group of monitor === undefined ? [path] : [path, monitor])
    if (isThere(local, group))
      writeControl(local, root, `${group}/tasks`, String(pid), `error adding pid ${pid} to Intel RDT: ${group}`);
}

/** What was made for this container alone. What is gone is fine. @throws EffectError */
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
