/**
 * `memory.checkBeforeUpdate`. On v2 the kernel accepts a limit that is below the memory in use, and kills processes
 * then.
 */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { CgroupError } from '../error.ts';
import { tryRead } from '../files.ts';
import { isSet } from './limit.ts';

/** @throws CgroupError in runc's words, where the memory in use is not below the new limit */
export function checkMemoryUse(kernel: Kernel, record: CgroupRecord, { memory = {} }: LinuxResources): void {
  const { unified } = record.paths;
  if (record.layout !== 'v2' || unified === undefined || !memory.checkBeforeUpdate) return;
  const text = tryRead(kernel, `${unified}/memory.current`);
  // Without the file nobody knows the usage, and that is no reason to refuse a limit.
  if (typeof text !== 'string') return;
  const usage = BigInt(text.trim());
  const { swap, limit } = memory;
  if (isSet(swap) && BigInt(swap) > 0n && BigInt(swap) <= usage)
    throw new CgroupError(`rejecting memory+swap limit ${swap} <= usage ${usage}`);
  if (isSet(limit) && BigInt(limit) > 0n && BigInt(limit) <= usage)
    throw new CgroupError(`rejecting memory limit ${limit} <= usage ${usage}`);
}
