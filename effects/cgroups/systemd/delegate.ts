/** Hands a v2 cgroup to the user that the container runs as, so that it can make cgroups of its own: cgroups(7), "Delegation". */

import { fchownat } from '../../../native/calls/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { CgroupError, tryRead } from '../files.ts';

/** What cgroups(7) names, for kernels before 4.15. */
const DEFAULT_FILES = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];
const UNCHANGED = -1;

/** @throws CgroupError */
export function delegateCgroup(kernel: Kernel, directory: string, uid: number): void {
  const listed = tryRead(kernel, '/sys/kernel/cgroup/delegate');
  const files = typeof listed === 'string' ? listed.split('\n').filter((name) => name !== '') : DEFAULT_FILES;
  const paths = [directory, ...files.map((name) => `${directory}/${name}`)];
  const { results } = kernel.submit(
    paths.map((path) => ({ ...fchownat(AT.FDCWD, path, uid, UNCHANGED), mayFail: true as const })),
  );
  paths.forEach((path, i) => {
    const errno = -(results[i] ?? 0);
    // Not every controller's files are in every cgroup.
    if (errno > 0 && !(i > 0 && errno === ERRNO.ENOENT)) throw new CgroupError(`chown ${path} to ${uid}`, path, errno);
  });
}
