/** Sets the resource limits of the process (setrlimit(2)). */

import { getRlimit, setRlimit } from '../../native/calls/process.ts';
import { RLIMIT } from '../../native/constants/process.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { EffectError } from '../error.ts';

/** struct rlimit64: the soft limit and the hard one. */
export const RLIMIT_BYTES = 16;

/** What getrlimit(2) has written. */
export function rlimitIn({ bytes }: Out): { readonly soft: bigint; readonly hard: bigint } {
  const view = viewOf(bytes);
  return { soft: view.getBigUint64(0, true), hard: view.getBigUint64(8, true) };
}

const resourceOf = (type: string): number | undefined => Object.entries(RLIMIT).find(([name]) => name === type)?.[1];

/**
 * Adds the limits of the process, each as a part of its own.
 * @param pid whose limits they are, as the performer sees it; 0 for the performer's own
 * @throws EffectError `invalid rlimit type: …`
 */
export function addLimits(batch: PartedBatch, process: Process, pid: Pid = 0): void {
  for (const { type, soft, hard } of process.rlimits ?? []) {
    const resource = resourceOf(type);
    if (resource === undefined) throw new EffectError(`invalid rlimit type: ${type}`);
    batch.add(setRlimit(pid, resource, soft, hard));
    batch.part(`error setting rlimit type ${resource}: set ${type} to ${soft} of ${hard}`);
  }
}

/**
 * Adds, for a process whose config gives no RLIMIT_NOFILE: go back to the soft limit that the command was started with,
 * since the engine has raised its own.
 * @param local this process, from which the other one has inherited its hard limit
 * @param openFilesLimit the soft limit; undefined where it is not known
 */
export function addOpenFilesLimit(
  batch: PartedBatch,
  local: Kernel,
  process: Process,
  openFilesLimit: number | undefined,
): void {
  if (openFilesLimit === undefined || process.rlimits?.some(({ type }) => type === 'RLIMIT_NOFILE')) return;
  const current = out(RLIMIT_BYTES);
  call(local, getRlimit(0, RLIMIT.RLIMIT_NOFILE, current));
  const { hard } = rlimitIn(current);
  const soft = hard < BigInt(openFilesLimit) ? hard : openFilesLimit;
  batch.add(setRlimit(0, RLIMIT.RLIMIT_NOFILE, soft, hard));
  batch.part(`restore RLIMIT_NOFILE to ${soft}`);
}
