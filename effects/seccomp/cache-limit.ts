/**
 * How much the cache of compiled programs may hold. A host has a handful of profiles; one that makes a new profile for each
 * container must not fill /run. What was not used for longest goes first. Room is made when a program is added, since that command
 * has just spent milliseconds on the compilation; a command that finds its program has nothing to look through.
 */

import { type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { STATX_BYTES, statx, unlinkat } from '../../native/calls/files.ts';
import { modifiedAt, sizeOf } from '../../native/calls/stat.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

const MAX_FILES = 128;
const MAX_BYTES = 4 * 1024 * 1024;
/** A larger one would push out too many others: it is not kept. Docker's default profile takes some 30 kB. */
export const MAX_FILE_BYTES = MAX_BYTES / 8;

interface Kept {
  readonly name: FileName;
  readonly bytes: number;
  readonly used: number;
}

/**
 * Removes from the open folder what was not used for longest, until a file of this size fits in. Nothing is written down about the
 * files: a command that is killed leaves at most a partial file, which counts as any other. Of commands that add at the same time
 * each may miss the other's; the next one sees both.
 * @param name of the file to come, which takes the place of one that has this name
 */
export function makeRoom(local: Kernel, folder: number, name: string, size: number): void {
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

function filesIn(local: Kernel, folder: number): readonly Kept[] {
  const entries = readEntries(local, folder);
  if (typeof entries === 'number') return [];
  return entries.flatMap(({ name }) => {
    const stat = out(STATX_BYTES);
    return attempt(local, statx(folder, name, stat)) < 0 ? [] : [{ name, bytes: sizeOf(stat), used: modifiedAt(stat) }];
  });
}

/** To the minute is enough, so that most uses write nothing. */
const NOTED_EVERY_MS = 60_000;

/** Says by a file's time of modification that it was used. The time of access would not do: many mounts do not keep it. */
export function noteUse(local: Kernel, fd: number, stat: Out): void {
  const age = Math.abs(Date.now() - modifiedAt(stat));
  // A time far in the future is mended, too: such a file would never be removed.
  if (age > NOTED_EVERY_MS) attempt(local, { name: 'utimensat', args: [fd, null, null, 0] });
}
