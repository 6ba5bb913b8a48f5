/** Lists a directory, and removes what is in it, by descriptors. */

import { DT, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { getdents, openat, unlinkat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { type Owned, opened } from '../../native/kernel/owned.ts';
import { call, isErrno, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

interface Entry {
  readonly name: FileName;
  readonly directory: boolean;
}

/** Some file systems do not tell the type (DT_UNKNOWN): such an entry may be a directory. */
const MAYBE_DIRECTORY: readonly number[] = [DT.UNKNOWN, DT.DIR];

/** The entries of an open directory, from the offset of its descriptor on. @throws SyscallError */
export function entriesOf(kernel: Kernel, fd: Fd): Entry[] {
  const entries = readEntries(kernel, fd);
  if (typeof entries === 'number') throw new SyscallError(getdents(fd, out(0)), -entries);
  return entries.map(({ name, type }) => ({ name, directory: MAYBE_DIRECTORY.includes(type) }));
}

/** Removes everything below a directory except the entries of it that `keep` names. Follows no symbolic link. */
export function removeTree(kernel: Kernel, fd: Fd, keep: (name: FileName) => boolean = () => false): void {
  // We open the directory once more, since somebody may have moved the offset of the descriptor that we were given.
  using own = opened(kernel, openat(fd, '.', O.RDONLY | O.DIRECTORY));
  for (const { name, directory } of entriesOf(kernel, own.fd)) {
    if (keep(name)) continue;
    tolerateAbsence(() => {
      if (directory && removeDirectoryAt(kernel, own.fd, name)) return;
      call(kernel, unlinkat(own.fd, name));
    });
  }
}

/** @returns false where it is no directory after all */
function removeDirectoryAt(kernel: Kernel, parent: Fd, name: FileName): boolean {
  using directory = openDirectoryAt(kernel, parent, name);
  if (directory === undefined) return false;
  removeTree(kernel, directory.fd);
  call(kernel, unlinkat(parent, name, AT.REMOVEDIR));
  return true;
}

/** @returns undefined where it is no directory */
function openDirectoryAt(kernel: Kernel, parent: Fd, name: FileName): Owned | undefined {
  try {
    return opened(kernel, openat(parent, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

function tolerateAbsence(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
