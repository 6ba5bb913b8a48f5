/** The processes of a cgroup. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupFileError, isGone } from './error.ts';
import { tryRead } from './files.ts';
import { memberDirectory } from './paths.ts';
import { regaining } from './regain.ts';
import { walkCgroups } from './walk.ts';

/**
 * All processes of a container's cgroup and of the cgroups below it, as pids in the performer's pid namespace, in the
 * order of the tree. A cgroup that is not there has none.
 * @throws CgroupError
 */
export function members(kernel: Kernel, record: CgroupRecord): readonly Pid[] {
  const directory = memberDirectory(record);
  return directory === undefined ? [] : regaining(kernel, record, () => membersBelow(kernel, directory));
}

/** The processes of one directory and of those below it. @throws CgroupError */
export function membersBelow(kernel: Kernel, directory: string): readonly Pid[] {
  const pids: Pid[][] = [];
  let inThreads = false;
  walkCgroups(kernel, directory, {
    enter(fd, below) {
      const first = pids.length === 0;
      let text = tryRead(kernel, 'cgroup.procs', 1, fd);
      // A threaded v2 cgroup lists only threads, and refuses to list processes. The nearest cgroup above it that is not
      // threaded lists the processes that they belong to. The walk has seen that one, unless the topmost one is
      // threaded.
      if (text === -ERRNO.EOPNOTSUPP) {
        inThreads ||= first;
        text = inThreads ? tryRead(kernel, 'cgroup.threads', 1, fd) : '';
      }
      if (typeof text === 'string') pids.push(pidsIn(text));
      else if (isGone(text)) pids.push([]);
      else throw new CgroupFileError(`read cgroup.procs in ${directory}`, directory, -text);
      return below;
    },
  });
  return pids.flat();
}

const pidsIn = (text: string): Pid[] => text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
