/**
 * The home directory of the process's user, from the /etc/passwd of the image. What the image has in its place may be a link
 * to a file that tells what is not the image's to know, that loses what is read (/proc/kmsg), or that keeps its reader waiting.
 * So only regular files are read, of the root's own mount or of a file system that is neither the kernel's nor FUSE, and no more
 * than LARGEST_BYTES of them.
 */

import {
  close,
  fstatfs,
  openat,
  openat2,
  pread,
  read,
  STATFS_BYTES,
  STATX_BYTES,
  statx,
} from '../../native/calls/files.ts';
import { isOnSameMount, isSameFile, typeOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, RESOLVE, S } from '../../native/constants/files.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out, result } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import { isFuse, isKernels } from '../paths/kernel-file-systems.ts';
import { homeOf } from './environment.ts';

const PASSWD = '/etc/passwd';
/** A fifo is not waited for, and a terminal does not become ours. */
const READING = O.RDONLY | O.NONBLOCK | O.NOCTTY;

const FIRST_BYTES = 4 * 1024;
const NEXT_BYTES = 64 * 1024;
/** Some 100,000 users. An image could hold a file without end, or a line. */
const LARGEST_BYTES = 16 << 20;
/** As runc has it. */
const LONGEST_LINE = 64 * 1024;

/**
 * Adds a first look, in the hope that the file is small and on the root's own mount: then there is nothing of the kernel's to reach.
 * @param kernel of the init, whose root is the container's
 * @returns what tells the home directory by the batch's results; it looks further where it has to
 */
export function addFindHome(
  batch: Batch,
): (kernel: Kernel, results: readonly number[], uid: number) => string | undefined {
  const stat = out(STATX_BYTES);
  const text = out(FIRST_BYTES);
  const root = batch.try(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_XDEV;
  const file = batch.try(openat2(root, PASSWD, { flags: READING, resolve }));
  const looked = batch.try(statx(file, '', stat));
  // Of what has no offset (a fifo, a terminal) nothing is taken.
  const length = batch.try(pread(file, text, 0));
  batch.try(close(file));
  batch.try(close(root));
  return (kernel, results, uid) => {
    const resultOf = ({ index }: { readonly index: number }): number => results[index] ?? -1;
    if (resultOf(file) === -ERRNO.EXDEV) return homeByLooking(kernel, uid);
    if (resultOf(looked) < 0 || typeOf(stat) !== S.IFREG) return undefined;
    const n = Math.max(0, resultOf(length));
    if (n === FIRST_BYTES) return homeByLooking(kernel, uid);
    return homeOf(new TextDecoder().decode(text.bytes.subarray(0, n)), uid);
  };
}

/**
 * Of a file that does not fit into the first look, or that lies on another mount. What is wrong with it is no reason not to start:
 * as with runc, there is no home directory then.
 */
function homeByLooking(kernel: Kernel, uid: number): string | undefined {
  const [rootStat, fileStat, openedStat] = [out(STATX_BYTES), out(STATX_BYTES), out(STATX_BYTES)];
  const fs = out(STATFS_BYTES);
  const looks = kernel.submit([
    openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY),
    statx(result(0), '', rootStat),
    openInRoot(result(0), PASSWD, O.PATH),
    statx(result(2), '', fileStat),
    fstatfs(result(2), fs),
  ]);
  const [root = -1, , file = -1] = looks.results;
  const opened =
    looks.stoppedAt === undefined &&
    typeOf(fileStat) === S.IFREG &&
    (isOnSameMount(rootStat, fileStat) || !(isKernels(fs) || isFuse(fs)))
      ? attempt(kernel, openInRoot(root, PASSWD, READING))
      : -1;
  try {
    if (opened < 0) return undefined;
    // A container that exchanges the file between the two has another one opened; but none is read that was not looked at.
    if (attempt(kernel, statx(opened, '', openedStat)) < 0 || !isSameFile(fileStat, openedStat)) return undefined;
    return homeIn(kernel, opened, uid);
  } finally {
    for (const fd of [root, file, opened]) if (fd >= 0) attempt(kernel, close(fd));
  }
}

/** What comes after the user's line is not read, nor what is beyond the limits. */
function homeIn(kernel: Kernel, fd: number, uid: number): string | undefined {
  const decoder = new TextDecoder();
  let line = '';
  for (let total = 0; ; ) {
    const bytes: Out = out(NEXT_BYTES);
    const length = Math.max(0, attempt(kernel, read(fd, bytes)));
    const text = line + decoder.decode(bytes.bytes.subarray(0, length), { stream: length > 0 });
    const end = length === 0 ? text.length : text.lastIndexOf('\n') + 1;
    const home = homeOf(text.slice(0, end), uid);
    if (home !== undefined || length === 0) return home;
    line = text.slice(end);
    total += length;
    if (total >= LARGEST_BYTES || line.length > LONGEST_LINE) return undefined;
  }
}
