/**
 * Connects to the watcher of a state root. Both sides check each other: the socket lies in a state root that can be
 * trusted, it and whoever listens on it belong to the user of this command, and nobody else may connect to it.
 */

import { duplicateAbove, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { connectUnix, type PeerIds, peerIds, socket } from '../../native/calls/sockets.ts';
import { modeOf, ownerOf, typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { openTrusted } from '../store/trusted-directory.ts';
import { WATCH_SOCKET } from './look.ts';

const FOR_OTHERS = 0o077;
/** The watcher's socket has this permission where it wants the values of annotations and environment variables. */
export const WITH_VALUES = 0o100;
/** Above the descriptors that a container may inherit (`--preserve-fds`). */
const OUT_OF_THE_WAY = 400;

export interface WatcherConnection {
  /** Never blocks. Whoever takes it closes it. */
  readonly fd: Fd;
  readonly wantsValues: boolean;
}

/** @returns undefined where there is no watcher, or none that may be told anything */
export function connectToWatcher(kernel: Kernel, root: string): WatcherConnection | undefined {
  try {
    return connect(kernel, root);
  } catch {
    // The command's own work will tell what is wrong with the state root. That a watcher has ended is no news.
    return undefined;
  }
}

function connect(kernel: Kernel, root: string): WatcherConnection | undefined {
  const place = { dir: AT.FDCWD, name: root, path: root, called: 'state root' } as const;
  using directory = new Owned(kernel, openTrusted(kernel, place, O.PATH | O.DIRECTORY));
  using file = opened(kernel, openat(directory.fd, WATCH_SOCKET, O.PATH | O.NOFOLLOW));
  const user = call(kernel, { name: 'geteuid', args: [] });
  const stat = out(STATX_BYTES);
  call(kernel, statx(file.fd, '', stat));
  const mode = modeOf(stat);
  if (typeOf(stat) !== S.IFSOCK || ownerOf(stat) !== user || mode & FOR_OTHERS) return undefined;
  using made = opened(kernel, socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK));
  using connection = opened(kernel, duplicateAbove(made.fd, OUT_OF_THE_WAY));
  // By the descriptor of what was looked at, so that nothing else can have taken its place.
  call(kernel, connectUnix(connection.fd, `/proc/self/fd/${file.fd}`));
  const peer: PeerIds = peerIds(kernel, connection.fd);
  if (peer.uid !== user) return undefined;
  return { fd: connection.release(), wantsValues: (mode & WITH_VALUES) !== 0 };
}
