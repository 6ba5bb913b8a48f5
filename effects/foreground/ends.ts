/** The descriptors that a foreground command has from its caller, made fit for streams. */

import { close, fcntl, fstatfs, openat, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { AT, F, O, S } from '../../native/constants/files.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { End } from './stream.ts';

const PIPEFS_MAGIC = 0x50495045;
const STATX = { MODE: 28, RDEV_MAJOR: 128, RDEV_MINOR: 132 } as const;

/**
 * Which of the standard descriptors the container's process may have as they are: /dev/null alone.
 *
 * All else goes through pipes of the container's own, as it does with runc. Whoever has a pipe of the caller's can open it
 * again from /proc/self/fd for the other direction, and so read what others write to it; he can set O_NONBLOCK for all who
 * share it, and change its size. And the runtime gives standard descriptors to the container's user (fchown, so that he can
 * open /dev/stdout again): he could change the modes of a terminal or file of the host's, truncate it, or, were it a
 * directory, walk through the host's files. A socket cannot be opened again at all.
 */
export const mayBeShared = (local: Kernel, fd: number): boolean => isNull(local, fd);

function isNull(local: Kernel, fd: number): boolean {
  const stat = out(STATX_BYTES);
  if (attempt(local, statx(fd, '', stat)) < 0) return false;
  const view = viewOf(stat.bytes);
  return (
    fileType(stat) === S.IFCHR &&
    view.getUint32(STATX.RDEV_MAJOR, true) === 1 &&
    view.getUint32(STATX.RDEV_MINOR, true) === 3
  );
}

const fileType = (stat: Out): number => viewOf(stat.bytes).getUint16(STATX.MODE, true) & S.IFMT;

/** A descriptor of our own, which never stops this process from now on. @throws SyscallError */
export function owned(local: Kernel, fd: number, kind?: End['kind']): End {
  const [flags = 0] = perform(local, [fcntl(fd, F.GETFL, 0)]);
  perform(local, [fcntl(fd, F.SETFL, flags | O.NONBLOCK)]);
  return { fd, blocking: false, kind };
}

/** One of the caller's descriptors, and whether its number here is ours to close. */
type CallersEnd = End & { readonly ours: boolean };

/** A terminal and a file stay in the mode that they came in: it is shared with others, a shell say. */
export function callersSource(local: Kernel, fd: number): CallersEnd {
  const type = typeOf(local, fd);
  return type === S.IFIFO || type === S.IFSOCK
    ? unblocked(local, fd, type, O.RDONLY)
    : { fd, blocking: true, ours: false };
}

/** A terminal that was stopped by Ctrl-S would stop the forwarding of signals, were it waited for. */
export function callersSink(local: Kernel, fd: number): CallersEnd {
  const type = typeOf(local, fd);
  // Never full for poll(2); and opened anew it would be written from its start.
  if (type === S.IFREG) return { fd, blocking: false, ours: false };
  return unblocked(local, fd, type, O.WRONLY | O.NOCTTY);
}

/** An end that does not stop this process, without a change of the caller's mode: opened anew where that is possible. */
function unblocked(local: Kernel, fd: number, type: number, access: number): CallersEnd {
  // It can't be opened; but it can be told with each call not to wait.
  if (type === S.IFSOCK) return { fd, blocking: false, kind: 'socket', ours: false };
  const kind = type === S.IFIFO && isNameless(local, fd) ? 'pipe' : undefined;
  const own =
    type === S.IFCHR || type === S.IFIFO
      ? attempt(local, openat(AT.FDCWD, `/proc/self/fd/${fd}`, access | O.NONBLOCK))
      : -1;
  return own < 0 ? { fd, blocking: true, kind, ours: false } : { fd: own, blocking: false, kind, ours: true };
}

function typeOf(local: Kernel, fd: number): number {
  const stat = out(STATX_BYTES);
  attempt(local, statx(fd, '', stat));
  return fileType(stat);
}

function isNameless(local: Kernel, fd: number): boolean {
  const fs = out(STATFS_BYTES);
  return attempt(local, fstatfs(fd, fs)) >= 0 && viewOf(fs.bytes).getUint32(0, true) === PIPEFS_MAGIC;
}

export const closeAll = (local: Kernel, fds: readonly number[]): void => {
  if (fds.length > 0) local.submit(fds.map((fd) => ({ ...close(fd), mayFail: true })));
};
