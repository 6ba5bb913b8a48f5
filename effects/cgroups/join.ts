/** How a process moves itself into a container's cgroup. */

import type { Call } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { Batch, planWrite, writeError, writtenAt } from './files.ts';
import { legacyDirectoriesOf } from './paths.ts';

export interface JoinOptions {
  /** Leaves out the v2 directory: the process's child is born there, by CLONE_INTO_CGROUP. */
  readonly withoutUnified?: boolean;
}

/**
 * What a process with a single thread performs, in one batch, to join the cgroup of every hierarchy.
 * Failures are told by `checkJoined` from the results of these very calls.
 *
 * On v1 it writes to `tasks`: moving the writing thread alone spares the kernel the lock that keeps all processes
 * of the host from forking meanwhile (cgroup_threadgroup_rwsem), and with it an RCU grace period each.
 */
export function joinCalls(record: CgroupRecord, options: JoinOptions = {}): Call[] {
  const batch = new Batch();
  for (const file of joinFiles(record, options)) planWrite(batch, file, '0');
  return batch.calls;
}

/**
 * Looks at the results of `joinCalls`, which begin at `from` in the batch.
 * @throws CgroupError for the first hierarchy that could not be joined
 */
export function checkJoined(
  record: CgroupRecord,
  results: readonly number[],
  options: JoinOptions = {},
  from = 0,
): void {
  joinFiles(record, options).forEach((file, i) => {
    const errno = -writtenAt(from + i * CALLS_A_FILE, results);
    if (errno > 0) throw writeError(file, '0', errno);
  });
}

const CALLS_A_FILE = 3;

const joinFiles = (record: CgroupRecord, { withoutUnified }: JoinOptions): readonly string[] => [
  ...legacyDirectoriesOf(record).map((directory) => `${directory}/tasks`),
  ...(record.paths.unified !== undefined && !withoutUnified ? [`${record.paths.unified}/cgroup.procs`] : []),
];
