/** `memory.checkBeforeUpdate`: on v2 a limit below what is in use is accepted, and the processes are killed. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { CgroupError, tryRead } from '../files.ts';
import { isSet } from './limit.ts';

/** @throws CgroupError with runc's words, where the memory in use is more than what will be allowed */
export function checkMemoryUse(kernel: Kernel, record: CgroupRecord, { memory = {} }: LinuxResources): void {
  const { unified } = record.paths;
  if (record.layout !== 'v2' || unified === undefined || !memory.checkBeforeUpdate) return;
  const text = tryRead(kernel, `${unified}/memory.current`);
  // What cannot be told is no reason to refuse.
  if (typeof text !== 'string') return;
  const usage = BigInt(text.trim());
  const { swap, limit } = memory;
  if (isSet(swap) && BigInt(swap) > 0n && BigInt(swap) <= usage)
    throw new CgroupError(`rejecting memory+swap limit ${swap} <= usage ${usage}`, unified, 0);
  if (isSet(limit) && BigInt(limit) > 0n && BigInt(limit) <= usage)
    throw new CgroupError(`rejecting memory limit ${limit} <= usage ${usage}`, unified, 0);
}
