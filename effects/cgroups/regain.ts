/**
 * What belongs to us stays ours. Without root, the container's root is who owns the container's cgroup: he can take from its files
 * and directories, by chmod(2), what they allow their owner. Root is not kept out by that.
 */

import type { FileName } from '../../native/calls/directory-entries.ts';
import { AT } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { isCgroupError } from './files.ts';
import { directoriesOf } from './paths.ts';
import { walkCgroups } from './walk.ts';

/** Those of the container's processes that are alive may take it away again. */
const ATTEMPTS = 5;

/** Does something with a cgroup. Where it is not allowed (EACCES), it takes the cgroup back and tries again. @throws CgroupError */
export function regaining<T>(kernel: Kernel, record: CgroupRecord, work: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      if (attempt > ATTEMPTS || !isCgroupError(error, 'EACCES') || !regain(kernel, record)) throw error;
    }
  }
}

/** What the runtime reads and writes to list, to freeze and to end processes. */
const FILES = ['cgroup.procs', 'cgroup.threads', 'cgroup.events', 'cgroup.freeze', 'cgroup.kill'];
const LEGACY_FILES = ['cgroup.procs', 'tasks', 'freezer.state', 'freezer.self_freezing'];

/** @returns false where nothing of it is ours */
function regain(kernel: Kernel, record: CgroupRecord): boolean {
  let regained = false;
  const allow = (directory: number, names: readonly FileName[], mode: number): void => {
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
      // Below it there is one of somebody else's. Who tries again finds out whether that matters.
      if (!isCgroupError(error, 'EACCES')) throw error;
    }
  }
  return regained;
}

const chmodAt = (directory: number, name: FileName, mode: number): Call => ({
  name: 'fchmodat',
  args: [directory, name, mode],
  mayFail: true,
});
