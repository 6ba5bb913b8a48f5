/** The processes of a cgroup. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, tryRead } from './files.ts';
import { memberDirectory } from './paths.ts';
import { regaining } from './regain.ts';
import { walkCgroups } from './walk.ts';

/**
 * All processes of a container's cgroup and of the cgroups below it, as pids of the performer's namespace.
 * A cgroup that is not there has none. The order is that of the tree.
 * @throws CgroupError
 */
export function members(kernel: Kernel, record: CgroupRecord): readonly number[] {
  const directory = memberDirectory(record);
  return directory === undefined ? [] : regaining(kernel, record, () => membersBelow(kernel, directory));
}

/** The processes of one directory and of those below it. @throws CgroupError */
export function membersBelow(kernel: Kernel, directory: string): readonly number[] {
  const pids: number[][] = [];
  let inThreads = false;
  walkCgroups(kernel, directory, {
    enter(fd, below) {
      const first = pids.length === 0;
      let text = tryRead(kernel, 'cgroup.procs', 1, fd);
      // A threaded v2 cgroup tells its threads only. The processes that these belong to are told by the nearest cgroup above that
      // is not threaded: that one is known already, unless the topmost one is threaded itself.
      if (text === -ERRNO.EOPNOTSUPP) {
        inThreads ||= first;
        text = inThreads ? tryRead(kernel, 'cgroup.threads', 1, fd) : '';
      }
      if (typeof text === 'string') pids.push(pidsIn(text));
      else if (text === -ERRNO.ENOENT || text === -ERRNO.ENODEV) pids.push([]);
      else throw new CgroupError(`read cgroup.procs in ${directory}`, directory, -text);
      return below;
    },
  });
  return pids.flat();
}

const pidsIn = (text: string): number[] => text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
