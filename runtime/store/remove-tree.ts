/** Entries of directories, by descriptors, and the removal of what is below one. */

import { DT, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { close, getdents, openat, unlinkat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

interface Entry {
  readonly name: FileName;
  readonly directory: boolean;
}

/** Some file systems don't tell (DT_UNKNOWN): those may be directories. */
const MAYBE_DIRECTORY: readonly number[] = [DT.UNKNOWN, DT.DIR];

/** The entries of a directory, read from where its descriptor stands. @throws SyscallError */
export function entriesOf(kernel: Kernel, fd: number): Entry[] {
  const entries = readEntries(kernel, fd);
  if (typeof entries === 'number') throw new SyscallError(getdents(fd, out(0)), -entries);
  return entries.map(({ name, type }) => ({ name, directory: MAYBE_DIRECTORY.includes(type) }));
}

/** Removes everything below a directory except what `keep` names at its top. No symbolic link is followed. */
export function removeTree(kernel: Kernel, fd: number, keep: (name: FileName) => boolean = () => false): void {
  // A descriptor of its own: the offset of the one we were given may be anywhere.
  const own = call(kernel, openat(fd, '.', O.RDONLY | O.DIRECTORY));
  try {
    for (const { name, directory } of entriesOf(kernel, own)) {
      if (keep(name)) continue;
      tolerateAbsence(() => {
        if (directory && removeDirectoryAt(kernel, own, name)) return;
        call(kernel, unlinkat(own, name));
      });
    }
  } finally {
    attempt(kernel, close(own));
  }
}

/** @returns false for what is no directory after all */
function removeDirectoryAt(kernel: Kernel, parent: number, name: FileName): boolean {
  let fd: number;
  try {
    fd = call(kernel, openat(parent, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return false;
    throw error;
  }
  try {
    removeTree(kernel, fd);
  } finally {
    attempt(kernel, close(fd));
  }
  call(kernel, unlinkat(parent, name, AT.REMOVEDIR));
  return true;
}

function tolerateAbsence(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}
