/**
 * Finds the home directory of the process's user in the image's /etc/passwd. The image may have a link there instead:
 * to a file whose content is not for the image, to one that loses what is read (/proc/kmsg), or to one that keeps its
 * reader waiting. So we read regular files only, on the root's own mount or on a file system that is neither the
 * kernel's nor FUSE, and no more than LARGEST_BYTES of them.
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
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, OwnedStack } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import { isFuse, isKernels } from '../paths/kernel-file-systems.ts';
import { homeOf } from './environment.ts';

const PASSWD = '/etc/passwd';
/** So that we do not wait for a fifo, and a terminal does not become ours. */
const READING = O.RDONLY | O.NONBLOCK | O.NOCTTY;

const FIRST_BYTES = 4 * 1024;
const NEXT_BYTES = 64 * 1024;
/** Room for some 100,000 users. An image could hold a file, or a line, without end. */
const LARGEST_BYTES = 16 << 20;
/** runc has the same limit. */
const LONGEST_LINE = 64 * 1024;

/**
 * Adds a first look, in the hope that the file is small and on the root's own mount, where no file is the kernel's. The
 * performer's root must be the container's.
 * @returns a function of the performer, the batch's results and the uid, which returns the home directory, undefined
 * where there is none; it looks further where it has to
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
  // pread(2) takes nothing from a fifo or a terminal: they have no offset.
  const length = batch.try(pread(file, text, 0));
  batch.try(close(file));
  batch.try(close(root));
  return (kernel, results, uid) => {
    if (resultOf(results, file) === -ERRNO.EXDEV) return homeByLooking(kernel, uid);
    if (resultOf(results, looked) < 0 || typeOf(stat) !== S.IFREG) return undefined;
    const n = Math.max(0, resultOf(results, length));
    if (n === FIRST_BYTES) return homeByLooking(kernel, uid);
    return homeOf(new TextDecoder().decode(text.bytes.subarray(0, n)), uid);
  };
}

/**
 * Reads a file that does not fit into the first look, or that lies on another mount. If something is wrong with the
 * file, the container starts without a home directory, as with runc.
 */
function homeByLooking(kernel: Kernel, uid: number): string | undefined {
  const [rootStat, fileStat] = [out(STATX_BYTES), out(STATX_BYTES)];
  const fs = out(STATFS_BYTES);
  const batch = new Batch();
  const root = batch.try(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  const file = batch.try(openInRoot(root, PASSWD, O.PATH));
  const looks = [
    batch.try(statx(root, '', rootStat)),
    batch.try(statx(file, '', fileStat)),
    batch.try(fstatfs(file, fs)),
  ];
  const { results } = kernel.submit(batch.calls);
  using owners = new OwnedStack();
  for (const one of [root, file]) {
    const fd = resultOf(results, one);
    if (fd >= 0) owners.use(new Owned(kernel, fd));
  }
  if (looks.some((look) => resultOf(results, look) < 0)) return undefined;
  const isOfRoot = isOnSameMount(rootStat, fileStat);
  if (typeOf(fileStat) !== S.IFREG || (!isOfRoot && (isKernels(fs) || isFuse(fs)))) return undefined;
  return homeInSame(kernel, resultOf(results, root), fileStat, uid);
}

/**
 * Opens the file for reading. A container that exchanges it after we have looked has another file opened. But no file
 * is read that was not looked at.
 */
function homeInSame(kernel: Kernel, root: Fd, looked: Out, uid: number): string | undefined {
  const fd = attempt(kernel, openInRoot(root, PASSWD, READING));
  if (fd < 0) return undefined;
  using file = new Owned(kernel, fd);
  const stat = out(STATX_BYTES);
  if (attempt(kernel, statx(file.fd, '', stat)) < 0 || !isSameFile(looked, stat)) return undefined;
  return homeIn(kernel, file.fd, uid);
}

/** Reads up to the user's line, and not beyond the limits. */
function homeIn(kernel: Kernel, fd: Fd, uid: number): string | undefined {
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
