/** The sockets of a resident server, and the directory that they are in. */

import { doing, EffectError } from '../../effects/error.ts';
import { fchmod, fcntl, flock, openat, STATX_BYTES, statx, unlinkat } from '../../native/calls/files.ts';
import { bindUnix, listen, socket } from '../../native/calls/sockets.ts';
import { modeOf, ownerOf, typeOf } from '../../native/calls/stat.ts';
import { AT, F, LOCK, O, S } from '../../native/constants/files.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Place } from './place.ts';

const DIRECTORY_MODE = 0o700;
const SOCKET_MODE = 0o600;
/** Where all engines are busy, so many callers wait for one, for some milliseconds each. The next one does not wait. */
const BACKLOG = 64;

/**
 * Makes the directory, and locks it: there is one server for a directory.
 * @returns its descriptor, which holds the lock
 * @throws EffectError
 */
export function openPlace(kernel: Kernel, { directory }: Place): Owned {
  return doing(`use ${directory} for the server's socket`, () => {
    attempt(kernel, { name: 'mkdirat', args: [AT.FDCWD, directory, DIRECTORY_MODE] });
    using held = opened(kernel, openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
    const stat = out(STATX_BYTES);
    call(kernel, statx(held.fd, '', stat));
    if (ownerOf(stat) !== 0 || (modeOf(stat) & 0o077) !== 0)
      throw new EffectError(`it must belong to root, and be closed to others (chmod 0700 ${directory})`);
    try {
      call(kernel, flock(held.fd, LOCK.EX | LOCK.NB));
    } catch (error) {
      if (isErrno(error, 'EAGAIN')) throw new EffectError('another server serves there; end that one first');
      throw error;
    }
    return new Owned(kernel, held.release());
  });
}

/** Listens on a path. What an ended server has left there is removed. @throws EffectError */
export function listenOn(kernel: Kernel, path: string): Owned {
  return doing(`listen on ${path}`, () => {
    removeSocket(kernel, path);
    using listener = opened(kernel, socket(AF.UNIX, SOCK.STREAM | SOCK.NONBLOCK));
    perform(kernel, [fchmod(listener.fd, SOCKET_MODE), bindUnix(listener.fd, path), listen(listener.fd, BACKLOG)]);
    return new Owned(kernel, listener.release());
  });
}

/** A socket that somebody else listens on: systemd. @throws EffectError where the descriptor is none */
export function takeListener(kernel: Kernel, fd: Fd): Owned {
  return doing(`take descriptor ${fd} for the server's socket`, () => {
    const stat = out(STATX_BYTES);
    call(kernel, statx(fd, '', stat));
    if (typeOf(stat) !== S.IFSOCK) throw new EffectError('it is not a socket');
    const flags = call(kernel, fcntl(fd, F.GETFL, 0));
    perform(kernel, [fcntl(fd, F.SETFL, flags | O.NONBLOCK)]);
    return new Owned(kernel, fd);
  });
}

export function removeSocket(kernel: Kernel, path: string): void {
  attempt(kernel, unlinkat(AT.FDCWD, path));
}
