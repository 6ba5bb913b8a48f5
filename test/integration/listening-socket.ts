/** A listening Unix socket at the other end of --console-socket and --pidfd-socket. */

import { closeSync, rmSync } from 'node:fs';
import { close } from '../../native/calls/files.ts';
import {
  accept,
  bindUnix,
  listen,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  socket,
} from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { call, perform } from '../../native/kernel/perform.ts';

interface ListeningSocket {
  readonly path: string;
  /** Waits for the next connection. @returns the data of its message, and the descriptor that came with it, or -1 */
  receive(): { readonly fd: number; readonly data: string };
  close(): void;
}

/** @param path at most 107 bytes */
export function listenAt(path: string): ListeningSocket {
  const { local } = hostPlatform();
  const listener = call(local, socket(AF.UNIX, SOCK.STREAM));
  perform(local, [bindUnix(listener, path), listen(listener)]);
  return {
    path,
    receive() {
      const connection = call(local, accept(listener));
      const buffers = receiveBuffers(1, 64);
      const length = call(local, receiveMessage(connection, buffers));
      perform(local, [close(connection)]);
      const [fd = -1] = receivedDescriptors(buffers.control);
      return { fd, data: new TextDecoder().decode(buffers.data.bytes.subarray(0, length)) };
    },
    close() {
      closeSync(listener);
      rmSync(path);
    },
  };
}
