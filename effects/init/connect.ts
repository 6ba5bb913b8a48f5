/** Reaches the init that `create` left waiting. */

import { close, openat } from '../../native/calls/files.ts';
import { connectUnix, socket } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import type { InitConnection, Session } from '../session.ts';

/** The name of the socket in the container's directory on which a created init waits for `start`. */
export const START_SOCKET = 'start.sock';

/** @throws EffectError */
export function connectToInit(session: Session): InitConnection {
  try {
    return connect(session);
  } catch (cause) {
    // Killed since the lifecycle's rules were asked: said as they would have said it.
    if (isErrno(cause, 'ECONNREFUSED')) throw new EffectError('cannot start a container that has stopped', { cause });
    throw new EffectError(`connect to the init by ${session.directory}/${START_SOCKET}: ${reasonOf(cause)}`, { cause });
  }
}

function connect({ platform, directory }: Session): InitConnection {
  const { local } = platform;
  const dir = call(local, openat(AT.FDCWD, directory, O.PATH | O.DIRECTORY));
  try {
    const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
    try {
      perform(local, [connectUnix(fd, `/proc/self/fd/${dir}/${START_SOCKET}`)]);
      return { socket: fd, kernel: platform.kernelBehind(fd, 'init') };
    } catch (error) {
      attempt(local, close(fd));
      throw error;
    }
  } finally {
    attempt(local, close(dir));
  }
}
