/**
 * Gives a v2 cgroup to the user that the container runs as, so that the container can make cgroups below it:
 * cgroups(7), "Delegation".
 */

import { fchownat } from '../../../native/calls/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { CgroupFileError } from '../error.ts';
import { tryRead } from '../files.ts';

/** The files that cgroups(7) names. Linux before 4.15 has no list of them. */
const DEFAULT_FILES = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];
const UNCHANGED = -1;

/** @param uid as the performer sees it. @throws CgroupFileError */
export function delegateCgroup(kernel: Kernel, directory: string, uid: number): void {
  const listed = tryRead(kernel, '/sys/kernel/cgroup/delegate');
  const files = typeof listed === 'string' ? listed.split('\n').filter((name) => name !== '') : DEFAULT_FILES;
  const batch = new Batch();
  const changes = [directory, ...files.map((name) => `${directory}/${name}`)].map((path) => {
    return { path, changed: batch.try(fchownat(AT.FDCWD, path, uid, UNCHANGED)) };
  });
  const { results } = kernel.submit(batch.calls);
  for (const { path, changed } of changes) {
    const errno = -resultOf(results, changed);
    // A cgroup only has the files of the controllers that are enabled for it.
    const isAbsent = path !== directory && errno === ERRNO.ENOENT;
    if (errno > 0 && !isAbsent) throw new CgroupFileError(`chown ${path} to ${uid}`, path, errno);
  }
}
