/** Resource limits of the process (setrlimit(2)). */

import { getRlimit, setRlimit } from '../../native/calls/process.ts';
import { RLIMIT } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { EffectError } from '../error.ts';

const resourceOf = (type: string): number | undefined => Object.entries(RLIMIT).find(([name]) => name === type)?.[1];

/**
 * Adds the limits of the process, each as a part of its own.
 * @param pid whose they are, as the performer sees it; 0 the performer's own
 * @throws EffectError `invalid rlimit type: …`
 */
export function addLimits(batch: PartedBatch, process: Process, pid = 0): void {
  for (const { type, soft, hard } of process.rlimits ?? []) {
    const resource = resourceOf(type);
    if (resource === undefined) throw new EffectError(`invalid rlimit type: ${type}`);
    batch.add(setRlimit(pid, resource, soft, hard));
    batch.part(`error setting rlimit type ${resource}: set ${type} to ${soft} of ${hard}`);
  }
}

/**
 * Adds: a process without a RLIMIT_NOFILE of its own goes back to the soft limit that the command was started with.
 * @param local this process, from which that one has inherited its hard limit
 * @param openFilesLimit undefined where that is not known
 */
export function addOpenFilesLimit(
  batch: PartedBatch,
  local: Kernel,
  process: Process,
  openFilesLimit: number | undefined,
): void {
  if (openFilesLimit === undefined || process.rlimits?.some(({ type }) => type === 'RLIMIT_NOFILE')) return;
  const current = out(16);
  perform(local, [getRlimit(0, RLIMIT.RLIMIT_NOFILE, current)]);
  const hard = viewOf(current.bytes).getBigUint64(8, true);
  const soft = hard < BigInt(openFilesLimit) ? hard : openFilesLimit;
  batch.add(setRlimit(0, RLIMIT.RLIMIT_NOFILE, soft, hard));
  batch.part(`restore RLIMIT_NOFILE to ${soft}`);
}
