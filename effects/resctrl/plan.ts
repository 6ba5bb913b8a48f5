/**
 * Decides which resctrl group a container belongs to, before anything is made. So the record has it for whoever removes
 * it.
 */

import { faccessat2 } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, SyscallError } from '../../native/kernel/perform.ts';
import type { ResctrlRecord } from '../../spec/record.ts';
import type { IntelRdt } from '../../spec/types.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { isThere, readTrimmed } from './files.ts';
import { resctrlRoot } from './root.ts';
import { conflicts, schemataText } from './schemata.ts';

/**
 * The container's group.
 * @throws EffectError in runc's words, where the config demands a file system, a resource or a group that is missing
 */
export function planResctrl(local: Kernel, id: string, intelRdt: IntelRdt): ResctrlRecord {
  const { closID = '', l3CacheSchema = '', memBwSchema = '', enableMonitoring = false } = intelRdt;
  const root = resctrlRoot(local);
  if (root === undefined) throw new EffectError('intelRdt is specified in config, but Intel RDT is not enabled');
  if (l3CacheSchema !== '' && !isThere(local, `${root}/info/L3`))
    throw new EffectError('intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled');
  if (memBwSchema !== '' && !isThere(local, `${root}/info/MB`))
    throw new EffectError('intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled');
  // "/" names the default group.
  const path = closID === '/' ? root : `${root}/${closID || id}`;
  const looked = attempt(local, faccessat2(AT.FDCWD, path, 0));
  if (looked >= 0) refuseConflicts(local, path, intelRdt);
  else if (closID !== '' && schemataText(intelRdt) === '') {
    const reason = reasonOf(new SyscallError(faccessat2(AT.FDCWD, path, 0), -looked));
    throw new EffectError(
      'clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty): ' +
        `${path}: ${reason}`,
    );
  }
  return {
    root,
    path,
    made: looked < 0,
    // A group that the config names does not belong to this container alone, so it stays.
    owned: looked < 0 && closID === '',
    ...(enableMonitoring ? { monitor: `${path}/mon_groups/${id}` } : {}),
  };
}

/** @throws EffectError where a group that the config names has other limits than the config, as in runc */
function refuseConflicts(local: Kernel, path: string, intelRdt: IntelRdt): void {
  if (!intelRdt.closID) return;
  const { l3CacheSchema, memBwSchema } = intelRdt;
  if (!l3CacheSchema && !memBwSchema) return;
  const file = `${path}/schemata`;
  const existing = doing(`read ${file}`, () => readTrimmed(local, file));
  const [first] = conflicts(existing, intelRdt);
  if (first !== undefined)
    throw new EffectError(
      `the resctrl group ${path} has a different configuration: ` +
        `${JSON.stringify(existing)}, not ${JSON.stringify(first)}`,
    );
}
