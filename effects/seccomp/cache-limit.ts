/**
 * Limits how much the cache of compiled programs holds. Most hosts have a handful of profiles, but a host that makes a
 * new profile for each container must not fill /run. What was not used for longest goes first. Room is made when a
 * program is added: that command has just spent milliseconds on the compilation. A command that finds its program looks
 * through nothing.
 */

import { type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { STATX_BYTES, statx, unlinkat } from '../../native/calls/files.ts';
import { modifiedAt, sizeOf } from '../../native/calls/stat.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

const MAX_FILES = 128;
const MAX_BYTES = 4 * 1024 * 1024;
/** A larger file is not kept, for it would push out too many others. Docker's default profile takes some 30 kB. */
export const MAX_FILE_BYTES = MAX_BYTES / 8;

interface Kept {
  readonly name: FileName;
  readonly bytes: number;
  /** When it was used last, in milliseconds since 1970. */
  readonly used: number;
}

/**
 * Removes files from the folder, until a file of this size fits in. No list of the files is written down, so there is
 * none to be wrong: a command that is killed leaves a partial file at most, which counts as any other. Two commands
 * that add at the same time may miss each other's file; the next command sees both.
 * @param folder open
 * @param name of the new file, which takes the place of one that has this name
 * @param size of the new file, in bytes
 */
export function makeRoom(local: Kernel, folder: Fd, name: string, size: number): void {
  const kept = filesIn(local, folder).filter((file) => file.name !== name);
  let files = kept.length + 1;
  let bytes = kept.reduce((sum, file) => sum + file.bytes, size);
  for (const file of kept.toSorted((a, b) => a.used - b.used)) {
    if (files <= MAX_FILES && bytes <= MAX_BYTES) return;
    if (attempt(local, unlinkat(folder, file.name)) < 0) continue;
    files--;
    bytes -= file.bytes;
  }
}

function filesIn(local: Kernel, folder: Fd): readonly Kept[] {
  const entries = readEntries(local, folder);
  if (typeof entries === 'number') return [];
  return entries.flatMap(({ name }) => {
    const stat = out(STATX_BYTES);
    return attempt(local, statx(folder, name, stat)) < 0 ? [] : [{ name, bytes: sizeOf(stat), used: modifiedAt(stat) }];
  });
}

/** A minute is exact enough, so that most uses write nothing. */
const NOTED_EVERY_MS = 60_000;

/**
 * Notes in a file's time of modification that it was used. The time of access would not do, since many mounts do not
 * keep it.
 */
export function noteUse(local: Kernel, fd: Fd, stat: Out): void {
  const age = Math.abs(Date.now() - modifiedAt(stat));
  // A time far in the future is set right too: such a file would never be removed.
  if (age > NOTED_EVERY_MS) attempt(local, { name: 'utimensat', args: [fd, null, null, 0] });
}
