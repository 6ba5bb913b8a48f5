/**
 * Takes a cgroup back that the container has closed. Without root, the user who runs the container also owns its
 * cgroup. The container's root is that user, and can take away by chmod(2) what the files and directories allow their
 * owner. Root is not kept out by that.
 */

import type { FileName } from '../../native/calls/directory-entries.ts';
import { AT } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { isCgroupError } from './error.ts';
import { directoriesOf } from './paths.ts';
import { walkCgroups } from './walk.ts';

/** More than one, since the container's processes may close the cgroup again. */
const ATTEMPTS = 5;

/**
 * Does some work on a cgroup. If that is not allowed (EACCES), it takes the cgroup back and does the work again.
 * @throws CgroupError, and what the work throws
 */
export function regaining<T>(kernel: Kernel, record: CgroupRecord, work: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (attempt > ATTEMPTS || !isCgroupError(error, 'EACCES') || !regain(kernel, record)) throw error;
    }
  }
}

/** The files that the runtime reads and writes to list, to freeze and to end processes. */
const FILES = ['cgroup.procs', 'cgroup.threads', 'cgroup.events', 'cgroup.freeze', 'cgroup.kill'];
const LEGACY_FILES = ['cgroup.procs', 'tasks', 'freezer.state', 'freezer.self_freezing'];

/** @returns false where nothing of the cgroup belongs to this user */
function regain(kernel: Kernel, record: CgroupRecord): boolean {
  let regained = false;
  const allow = (directory: Fd, names: readonly FileName[], mode: number): void => {
    const { results } = kernel.submit(names.map((name) => chmodAt(directory, name, mode)));
    regained ||= results.some((result) => result >= 0);
  };
  for (const top of directoriesOf(record)) {
    allow(AT.FDCWD, [top], 0o755);
    try {
      walkCgroups(kernel, top, {
        enter(directory, below) {
          allow(directory, top === record.paths.unified ? FILES : LEGACY_FILES, 0o644);
          allow(directory, below, 0o755);
          return below;
        },
      });
    } catch (error) {
      // A cgroup below belongs to somebody else. The work, which is done again, finds out whether that matters.
      if (!isCgroupError(error, 'EACCES')) throw error;
    }
  }
  return regained;
}

const chmodAt = (directory: Fd, name: FileName, mode: number): Call => ({
  name: 'fchmodat',
  args: [directory, name, mode],
  mayFail: true,
});
