/** Removes a container's cgroup. */

import type { FileName } from '../../native/calls/directory-entries.ts';
import { unlinkat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, isCgroupError, sleep } from './files.ts';
import { directoriesOf } from './paths.ts';
import { regaining } from './regain.ts';
import { walkCgroups } from './walk.ts';

/**
 * Removes the directories of a cgroup, and the cgroups that the container made below them. What is gone already is fine.
 * A process that was killed may hold its cgroup a moment longer: so it tries again for about a second.
 * @throws CgroupError for the first directory that stays; the others are gone
 */
export const removeCgroup = (kernel: Kernel, record: CgroupRecord): void =>
  regaining(kernel, record, () => removeDirectories(kernel, record));

function removeDirectories(kernel: Kernel, record: CgroupRecord): void {
  const directories = directoriesOf(record);
  const { results } = kernel.submit(directories.map(rmdir));
  let failure: CgroupError | undefined;
  directories.forEach((directory, i) => {
    if (isGone(results[i] ?? 0)) return;
    const failed = removeTree(kernel, directory);
    failure ??= failed;
  });
  if (failure) throw failure;
}

const rmdirAt = (parent: number, name: FileName) => ({
  ...unlinkat(parent, name, AT.REMOVEDIR),
  mayFail: true as const,
});
const rmdir = (directory: string) => rmdirAt(AT.FDCWD, directory);

const isGone = (result: number): boolean => result >= 0 || result === -ERRNO.ENOENT;

// 1, 2, 4 … 512 ms, as runc waits.
const ATTEMPTS = 11;

/** Removes a directory and those below it, the deepest first. @returns why it failed */
function removeTree(kernel: Kernel, directory: string): CgroupError | undefined {
  let failure: CgroupError | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) sleep(kernel, 2 ** (attempt - 1));
    failure = removeOnce(kernel, directory);
    if (!isCgroupError(failure, 'EBUSY', 'EINTR')) return failure;
  }
  return failure;
}

/** For one trip. */
const AT_A_TIME = 256;

/** @returns the first failure; what can be removed is, all the same */
function removeOnce(kernel: Kernel, directory: string): CgroupError | undefined {
  let failure: CgroupError | undefined;
  const note = (result: number): void => {
    if (!isGone(result)) failure ??= new CgroupError(`rmdir ${directory}`, directory, -result);
  };
  let found = false;
  try {
    found = walkCgroups(kernel, directory, {
      // Most have none below them. And whoever may remove one need not be allowed to open it.
      enter: (parent, below) => removeEmpty(kernel, parent, below),
      leave: (parent, name) => note(attempt(kernel, rmdirAt(parent, name))),
    });
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
    if (error.errno === 0) return error;
    note(-error.errno);
  }
  const top = attempt(kernel, rmdir(directory));
  // A read-only mount says EROFS even of a directory that is not there.
  if (found || top !== -ERRNO.EROFS) note(top);
  return failure;
}

/** Removes the directories that are empty. @returns the others */
function removeEmpty(kernel: Kernel, parent: number, names: readonly FileName[]): readonly FileName[] {
  const others: FileName[] = [];
  for (let at = 0; at < names.length; at += AT_A_TIME) {
    const some = names.slice(at, at + AT_A_TIME);
    const { results } = kernel.submit(some.map((name) => rmdirAt(parent, name)));
    some.forEach((name, i) => {
      if (!isGone(results[i] ?? 0)) others.push(name);
    });
  }
  return others;
}
