/** Removes a container's cgroup. */

import { faccessat2, unlinkat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, sleep } from './files.ts';
import { descendants } from './members.ts';
import { directoriesOf } from './paths.ts';

/**
 * Removes the directories of a cgroup, and the cgroups that the container made below them. What is gone already is fine.
 * A process that was killed may hold its cgroup a moment longer: so it tries again for about a second.
 * @throws CgroupError for the first directory that stays; the others are gone
 */
export function removeCgroup(kernel: Kernel, record: CgroupRecord): void {
  const directories = directoriesOf(record);
  const { results } = kernel.submit(directories.map(rmdir));
  let failure: CgroupError | undefined;
  directories.forEach((directory, i) => {
    if (isGone(results[i] ?? 0)) return;
    const errno = -removeTree(kernel, directory);
    if (errno > 0) failure ??= new CgroupError(`rmdir ${directory}`, directory, errno);
  });
  if (failure) throw failure;
}

const rmdir = (directory: string) => ({ ...unlinkat(AT.FDCWD, directory, AT.REMOVEDIR), mayFail: true as const });

const isGone = (result: number): boolean => result >= 0 || result === -ERRNO.ENOENT;

// 1, 2, 4 … 512 ms, as runc waits.
const ATTEMPTS = 11;

/** Removes a directory and those below it, the deepest first. Returns 0 or `-errno`. */
function removeTree(kernel: Kernel, directory: string): number {
  let last = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) sleep(kernel, 2 ** (attempt - 1));
    const tree = [directory, ...descendants(kernel, directory)].toReversed();
    const { results } = kernel.submit(tree.map(rmdir));
    last = results.find((result) => !isGone(result)) ?? 0;
    if (last === 0) return 0;
    // A read-only mount says EROFS even of a directory that is not there.
    if (last === -ERRNO.EROFS && tree.length === 1 && isMissing(kernel, directory)) return 0;
    if (last !== -ERRNO.EBUSY && last !== -ERRNO.EINTR) return last;
  }
  return last;
}

const isMissing = (kernel: Kernel, directory: string): boolean =>
  attempt(kernel, faccessat2(AT.FDCWD, directory, 0)) === -ERRNO.ENOENT;
