/** Removes a container's cgroup. */

import type { FileName } from '../../native/calls/directory-entries.ts';
import { unlinkat } from '../../native/calls/files.ts';
import { sleep } from '../../native/calls/sleep.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, CgroupFileError, isCgroupError } from './error.ts';
import { directoriesOf } from './paths.ts';
import { regaining } from './regain.ts';
import { walkCgroups } from './walk.ts';

/**
 * Removes the directories of a cgroup, and the cgroups that the container made below them. It is fine if some are gone.
 * A process that was killed may hold its cgroup a moment longer, so it tries again for about a second.
 * @throws CgroupError for the first directory that stays; the others are gone then
 */
export const removeCgroup = (kernel: Kernel, record: CgroupRecord): void =>
  regaining(kernel, record, () => removeDirectories(kernel, record));

function removeDirectories(kernel: Kernel, record: CgroupRecord): void {
  const directories = directoriesOf(record);
  let failure: CgroupError | undefined;
  for (const directory of removeEmpty(kernel, AT.FDCWD, directories)) {
    const failed = removeTree(kernel, directory);
    failure ??= failed;
  }
  if (failure) throw failure;
}

const rmdir = (parent: Fd, name: FileName): Call => unlinkat(parent, name, AT.REMOVEDIR);

const isRemoved = (result: number): boolean => result >= 0 || result === -ERRNO.ENOENT;

/** With pauses of 1, 2, 4 … 512 ms between them, as runc waits. */
const ATTEMPTS = 11;

/** Removes a directory and those below it, the deepest first. @returns why it failed, if it did */
function removeTree(kernel: Kernel, directory: string): CgroupError | undefined {
  let failure: CgroupError | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) sleep(kernel, 2 ** (attempt - 1));
    failure = removeOnce(kernel, directory);
    if (!isCgroupError(failure, 'EBUSY', 'EINTR')) return failure;
  }
  return failure;
}

/** How many directories one batch removes. */
const AT_A_TIME = 256;

/** Tries once, and removes what it can. @returns the first failure, if there was one */
function removeOnce(kernel: Kernel, directory: string): CgroupError | undefined {
  let failure: CgroupError | undefined;
  const note = (result: number): void => {
    if (!isRemoved(result)) failure ??= new CgroupFileError(`rmdir ${directory}`, directory, -result);
  };
  let found = false;
  try {
    found = walkCgroups(kernel, directory, {
      // Most have no cgroups below them, and one batch removes many. A user who may remove one need not be allowed to
      // open it.
      enter: (parent, below) => removeEmpty(kernel, parent, below),
      leave: (parent, name) => note(attempt(kernel, rmdir(parent, name))),
    });
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
    if (!(error instanceof CgroupFileError)) return error;
    note(-error.errno);
  }
  const top = attempt(kernel, rmdir(AT.FDCWD, directory));
  // On a read-only mount the kernel says EROFS even if the directory is not there.
  if (found || top !== -ERRNO.EROFS) note(top);
  return failure;
}

/** Removes the directories that are empty. @returns the others */
function removeEmpty<Name extends FileName>(kernel: Kernel, parent: Fd, names: readonly Name[]): readonly Name[] {
  const others: Name[] = [];
  for (let at = 0; at < names.length; at += AT_A_TIME) {
    const batch = new Batch();
    const asked = names.slice(at, at + AT_A_TIME).map((name) => ({ name, removed: batch.try(rmdir(parent, name)) }));
    const { results } = kernel.submit(batch.calls);
    for (const { name, removed } of asked) if (!isRemoved(resultOf(results, removed))) others.push(name);
  }
  return others;
}
