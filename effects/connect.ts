/** Reaches the init that `create` left waiting. */

import { close, openat } from '../native/calls/files.ts';
import { connectUnix, socket } from '../native/calls/sockets.ts';
import { AT, O } from '../native/constants/files.ts';
import { AF, SOCK } from '../native/constants/socket.ts';
import { attempt, call, perform } from '../native/perform.ts';
import { doing } from './error.ts';
import { START_SOCKET } from './init.ts';
import type { InitConnection, Session } from './session.ts';

/** @throws EffectError */
export function connectToInit(session: Session): InitConnection {
  const { local } = session.platform;
  return doing(`connect to the init by ${session.directory}/${START_SOCKET}`, () => {
    const dir = call(local, openat(AT.FDCWD, session.directory, O.PATH | O.DIRECTORY));
    try {
      const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
      try {
        perform(local, [connectUnix(fd, `/proc/self/fd/${dir}/${START_SOCKET}`)]);
        return { socket: fd, kernel: session.platform.kernelBehind(fd, 'init') };
      } catch (error) {
        attempt(local, close(fd));
        throw error;
      }
    } finally {
      attempt(local, close(dir));
    }
  });
}
