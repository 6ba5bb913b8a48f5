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
 * Which of the standard descriptors the container's process may have as they are: pipes and /dev/null.
 *
 * They are nobody's but the caller's, so that it is as fast, and as precise in what it reads and where it ends, as
 * without a runtime. Anything else goes through pipes of the container's own, as all does with runc: a terminal or a
 * file of the host's would be given to the container's user (fchown, so that he can open /dev/stdout again), who
 * could then change its modes, truncate it, or, were it a directory, walk through the host's files. And a socket
 * cannot be opened again at all.
 */
export function mayBeShared(local: Kernel, fd: number): boolean {
  const fs = out(STATFS_BYTES);
  if (attempt(local, fstatfs(fd, fs)) < 0) return false;
  return viewOf(fs.bytes).getUint32(0, true) === PIPEFS_MAGIC || isNull(local, fd);
}

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

/** A source or sink of the caller's, in the mode that it came in: its mode is shared with others, a shell say. */
export const borrowed = (fd: number): End => ({ fd, blocking: true });

/** A descriptor of our own, which never stops this process from now on. @throws SyscallError */
export function owned(local: Kernel, fd: number): End {
  const [flags = 0] = perform(local, [fcntl(fd, F.GETFL, 0)]);
  perform(local, [fcntl(fd, F.SETFL, flags | O.NONBLOCK)]);
  return { fd, blocking: false };
}

/**
 * A sink of the caller's that does not stop this process when it is full: opened anew, since its mode is the
 * caller's. A terminal that was stopped by Ctrl-S would stop the forwarding of signals otherwise.
 * @returns the end, and whether its descriptor is ours to close
 */
export function reopenedSink(local: Kernel, fd: number): End & { readonly ours: boolean } {
  const stat = out(STATX_BYTES);
  attempt(local, statx(fd, '', stat));
  const type = fileType(stat);
  // Never full for poll(2); and opened anew it would be written from its start.
  if (type === S.IFREG) return { fd, blocking: false, ours: false };
  // A socket can't be opened.
  if (type !== S.IFCHR && type !== S.IFIFO) return { fd, blocking: true, ours: false };
  const own = attempt(local, openat(AT.FDCWD, `/proc/self/fd/${fd}`, O.WRONLY | O.NONBLOCK | O.NOCTTY));
  return own < 0 ? { fd, blocking: true, ours: false } : { fd: own, blocking: false, ours: true };
}

export const closeAll = (local: Kernel, fds: readonly number[]): void => {
  if (fds.length > 0) local.submit(fds.map((fd) => ({ ...close(fd), mayFail: true })));
};
