/** Reads the entries of directories, by getdents64(2). */

import { AT, O } from '../constants/files.ts';
import type { Kernel, Out } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { Owned } from '../kernel/owned.ts';
import { attempt } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import { getdents, openat } from './files.ts';

/** A name without a slash: as text, or as bytes with a NUL at the end where it is not UTF-8. */
export type FileName = string | Uint8Array;

interface DirectoryEntry {
  readonly name: FileName;
  /** One of `DT`, or another number. */
  readonly type: number;
}

/** readdir(3). */
export const DT = { UNKNOWN: 0, DIR: 4 } as const;
/** struct linux_dirent64. */
const DIRENT = { RECLEN: 16, TYPE: 18, NAME: 19 } as const;
/** Room for some of a directory's entries. Whoever reads many directories can use the same for all. */
export const entryBuffer = (bytes = 8 * 1024): Out => out(bytes);

/** Without `ignoreBOM`, a name would lose a byte order mark at its beginning. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The entries of an open directory, from the position of its descriptor on, without `.` and `..`.
 * @returns `-errno` where it cannot be read
 */
export function readEntries(kernel: Kernel, directory: Fd, buffer = entryBuffer()): readonly DirectoryEntry[] | number {
  const entries: DirectoryEntry[] = [];
  const { bytes } = buffer;
  const view = viewOf(bytes);
  for (;;) {
    const size = attempt(kernel, getdents(directory, buffer));
    if (size < 0) return size;
    if (size === 0) return entries;
    for (let at = 0; at < size; at += view.getUint16(at + DIRENT.RECLEN, true)) {
      const name = nameIn(bytes, at + DIRENT.NAME);
      if (name !== '.' && name !== '..') entries.push({ name, type: bytes[at + DIRENT.TYPE] ?? 0 });
    }
  }
}

function nameIn(bytes: Uint8Array, start: number): FileName {
  const end = bytes.indexOf(0, start);
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return bytes.slice(start, end + 1);
  }
}

/** The names of the directories among entries. */
export const directoryNames = (entries: readonly DirectoryEntry[]): readonly FileName[] =>
  entries.flatMap(({ name, type }) => (type === DT.DIR ? [name] : []));

/** The names of the directories in a directory, as far as they are text. None where it cannot be read. */
export function subdirectories(kernel: Kernel, path: string): readonly string[] {
  const fd = attempt(kernel, openat(AT.FDCWD, path, O.RDONLY | O.DIRECTORY));
  if (fd < 0) return [];
  using directory = new Owned(kernel, fd);
  const entries = readEntries(kernel, directory.fd);
  if (typeof entries === 'number') return [];
  return directoryNames(entries).filter((name) => typeof name === 'string');
}
