/** The descriptors that a foreground command has from its caller, made fit for streams. */

import { close, fcntl, fstatfs, openat, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { isCharacterDevice, NULL_DEVICE, typeOf } from '../../native/calls/stat.ts';
import { AT, F, O, S } from '../../native/constants/files.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { End } from './stream.ts';

const PIPEFS_MAGIC = 0x50495045;

/**
 * Whether the container's process may have a standard descriptor of the caller's as it is: only where that is
 * /dev/null.
 *
 * Everything else goes through pipes of the container's own, as it does with runc. For a process that has a pipe of the
 * caller's can open it again from /proc/self/fd for the other direction, and so read what others write to it. It can
 * set O_NONBLOCK for all who share the pipe, and change its size. And the runtime gives standard descriptors to the
 * container's user (by fchown, so that this user can open /dev/stdout again). That user could change the modes of a
 * terminal or file of the host's, truncate the file, or walk through the host's files, were the descriptor a directory.
 * A socket cannot be opened again at all.
 */
export function mayBeShared(local: Kernel, fd: Fd): boolean {
  const stat = statOf(local, fd);
  return stat !== undefined && isCharacterDevice(stat, NULL_DEVICE);
}

function statOf(local: Kernel, fd: Fd): Out | undefined {
  const stat = out(STATX_BYTES);
  return attempt(local, statx(fd, '', stat)) < 0 ? undefined : stat;
}

/** An end that closes its descriptor where that is ours, once. What is the caller's stays open. */
export type OwnedEnd = End & Disposable;

/**
 * An end of our own, which never stops this process from now on.
 * @param descriptor closed with the end
 * @throws SyscallError
 */
export function ourEnd(local: Kernel, descriptor: Owned, kind?: End['kind']): OwnedEnd {
  const { fd } = descriptor;
  const flags = call(local, fcntl(fd, F.GETFL, 0));
  perform(local, [fcntl(fd, F.SETFL, flags | O.NONBLOCK)]);
  return { fd, blocking: false, kind, [Symbol.dispose]: () => descriptor[Symbol.dispose]() };
}

const callersEnd = (end: End): OwnedEnd => ({ ...end, [Symbol.dispose]: () => undefined });

/** A terminal and a file stay in the mode that they came in, since others share it: a shell, say. */
export function callersSource(local: Kernel, fd: Fd): OwnedEnd {
  const type = fileType(local, fd);
  return type === S.IFIFO || type === S.IFSOCK
    ? unblocked(local, fd, type, O.RDONLY)
    : callersEnd({ fd, blocking: true });
}

/** Not waited for, even where it is a terminal: one that was stopped by Ctrl-S would stop the forwarding of signals. */
export function callersSink(local: Kernel, fd: Fd): OwnedEnd {
  const type = fileType(local, fd);
  // poll(2) never calls a file full. Opened anew, it would be written from its start.
  if (type === S.IFREG) return callersEnd({ fd, blocking: false });
  return unblocked(local, fd, type, O.WRONLY | O.NOCTTY);
}

/**
 * An end that does not stop this process, without a change of the caller's mode: opened anew where that is possible.
 */
function unblocked(local: Kernel, fd: Fd, type: number, access: number): OwnedEnd {
  // A socket can't be opened anew, but each call can say that it does not wait.
  if (type === S.IFSOCK) return callersEnd({ fd, blocking: false, kind: 'socket' });
  const kind = type === S.IFIFO && isNameless(local, fd) ? 'pipe' : undefined;
  const own =
    type === S.IFCHR || type === S.IFIFO
      ? attempt(local, openat(AT.FDCWD, `/proc/self/fd/${fd}`, access | O.NONBLOCK))
      : -1;
  if (own < 0) return callersEnd({ fd, blocking: true, kind });
  const opened = new Owned(local, own);
  return { fd: own, blocking: false, kind, [Symbol.dispose]: () => opened[Symbol.dispose]() };
}

/** @returns 0 where the descriptor is not open */
function fileType(local: Kernel, fd: Fd): number {
  const stat = statOf(local, fd);
  return stat === undefined ? 0 : typeOf(stat);
}

/** Whether a FIFO is a pipe that pipe(2) has made. */
function isNameless(local: Kernel, fd: Fd): boolean {
  const fs = out(STATFS_BYTES);
  return attempt(local, fstatfs(fd, fs)) >= 0 && viewOf(fs.bytes).getUint32(0, true) === PIPEFS_MAGIC;
}

/** Closes descriptors in one batch. */
export const closeAll = (local: Kernel, fds: readonly Fd[]): void => {
  if (fds.length > 0) local.submit(fds.map((fd) => ({ ...close(fd), mayFail: true })));
};
