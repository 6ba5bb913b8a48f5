/** The processes of a cgroup. */

import { close, getdents, openat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, tryRead } from './files.ts';
import { memberDirectory } from './paths.ts';

/**
 * All processes of a container's cgroup and of the cgroups below it, as pids of the performer's namespace.
 * A cgroup that is not there has none. The order is that of the tree.
 * @throws CgroupError
 */
export function members(kernel: Kernel, record: CgroupRecord): readonly number[] {
  const directory = memberDirectory(record);
  return directory === undefined ? [] : membersBelow(kernel, directory);
}

/** The processes of one directory and of those below it. @throws CgroupError */
export function membersBelow(kernel: Kernel, directory: string): readonly number[] {
  return [directory, ...descendants(kernel, directory)].flatMap((path) => membersOf(kernel, path));
}

function membersOf(kernel: Kernel, directory: string): readonly number[] {
  const path = `${directory}/cgroup.procs`;
  let text = tryRead(kernel, path);
  // A threaded v2 cgroup tells its threads only.
  if (text === -ERRNO.EOPNOTSUPP) text = tryRead(kernel, `${directory}/cgroup.threads`);
  if (text === -ERRNO.ENOENT || text === -ERRNO.ENODEV) return [];
  if (typeof text === 'number') throw new CgroupError(`read ${path}`, path, -text);
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
}

/** The directories below a cgroup's, parents first. Those that vanish meanwhile are left out. */
export function descendants(kernel: Kernel, directory: string): readonly string[] {
  return subdirectories(kernel, directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    return [path, ...descendants(kernel, path)];
  });
}

const DIRENT = { RECLEN: 16, TYPE: 18, NAME: 19 } as const;
const DT_DIR = 4;
const decoder = new TextDecoder();

/** The names of the directories in a directory, in no order; none where it cannot be read. */
export function subdirectories(kernel: Kernel, directory: string): readonly string[] {
  const names: string[] = [];
  const [fd = -1] = kernel.submit([openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY)]).results;
  if (fd < 0) return names;
  const entries = out(8 * 1024);
  const view = viewOf(entries.bytes);
  for (;;) {
    const [n = 0] = kernel.submit([getdents(fd, entries)]).results;
    if (n <= 0) break;
    for (let at = 0; at < n; at += view.getUint16(at + DIRENT.RECLEN, true)) {
      if (entries.bytes[at + DIRENT.TYPE] !== DT_DIR) continue;
      const start = at + DIRENT.NAME;
      const name = decoder.decode(entries.bytes.subarray(start, entries.bytes.indexOf(0, start)));
      if (name !== '.' && name !== '..') names.push(name);
    }
  }
  kernel.submit([close(fd)]);
  return names;
}
