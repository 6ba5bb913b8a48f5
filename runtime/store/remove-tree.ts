/** Entries of directories, by descriptors, and the removal of what is below one. */

import { close, getdents, openat, unlinkat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

interface Entry {
  readonly name: string;
  readonly directory: boolean;
}

const GETDENTS_BYTES = 4 * 1024;
/** struct linux_dirent64, getdents64(2): d_reclen, d_type, d_name. */
const RECLEN = 16;
const TYPE = 18;
const NAME = 19;
/** Some file systems don't tell (DT_UNKNOWN): those may be directories. */
const MAYBE_DIRECTORY: readonly (number | undefined)[] = [0, 4];

/** The entries of a directory, read from where its descriptor stands. */
export function entriesOf(kernel: Kernel, fd: number): Entry[] {
  const decoder = new TextDecoder();
  const entries: Entry[] = [];
  const buffer = out(GETDENTS_BYTES);
  for (;;) {
    const size = call(kernel, getdents(fd, buffer));
    if (size === 0) return entries;
    const view = viewOf(buffer.bytes);
    for (let at = 0; at < size; at += view.getUint16(at + RECLEN, true)) {
      const end = buffer.bytes.indexOf(0, at + NAME);
      const name = decoder.decode(buffer.bytes.subarray(at + NAME, end));
      if (name !== '.' && name !== '..')
        entries.push({ name, directory: MAYBE_DIRECTORY.includes(buffer.bytes[at + TYPE]) });
    }
  }
}

/** Removes everything below a directory except what `keep` names at its top. No symbolic link is followed. */
export function removeTree(kernel: Kernel, fd: number, keep: (name: string) => boolean = () => false): void {
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
function removeDirectoryAt(kernel: Kernel, parent: number, name: string): boolean {
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
