/** How a process moves itself into a container's cgroup. */

import { Batch } from '../../native/kernel/batch.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { writeError } from './error.ts';
import { type PlannedWrite, planWrite, writtenBy } from './files.ts';
import { legacyDirectoriesOf } from './paths.ts';

export interface JoinOptions {
  /** Leaves the v2 directory out, because the process's child is born there by CLONE_INTO_CGROUP. */
  readonly withoutUnified?: boolean;
}

/**
 * The batch by which a process with a single thread joins the cgroup in every hierarchy.
 * `checkJoined` tells failures from the results of these very calls.
 *
 * On v1 the process writes to `tasks`, which moves the writing thread alone. To move a whole process, the kernel would
 * take a lock that keeps every process of the host from forking meanwhile (cgroup_threadgroup_rwsem), and would wait
 * for an RCU grace period each time.
 */
export const joinCalls = (record: CgroupRecord, options: JoinOptions = {}): readonly Call[] =>
  planJoin(record, options).calls;

/**
 * Looks at the results of `joinCalls`, which were performed as a batch of their own.
 * @throws CgroupFileError for the first hierarchy that could not be joined
 */
export function checkJoined(record: CgroupRecord, results: readonly number[], options: JoinOptions = {}): void {
  for (const { file, write } of planJoin(record, options).writes) {
    const errno = -writtenBy(write, results);
    if (errno > 0) throw writeError(file, '0', errno);
  }
}

interface JoinPlan {
  readonly calls: readonly Call[];
  readonly writes: readonly { readonly file: string; readonly write: PlannedWrite }[];
}

function planJoin(record: CgroupRecord, { withoutUnified }: JoinOptions): JoinPlan {
  const batch = new Batch();
  const { unified } = record.paths;
  const files = [
    ...legacyDirectoriesOf(record).map((directory) => `${directory}/tasks`),
    ...(unified !== undefined && !withoutUnified ? [`${unified}/cgroup.procs`] : []),
  ];
  // The kernel takes 0 for the process that writes.
  const writes = files.map((file) => ({ file, write: planWrite(batch, file, '0') }));
  return { calls: batch.calls, writes };
}
