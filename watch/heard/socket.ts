/**
 * The watcher's end of a state root: a socket that commands find there and tell what they do.
 *
 * Only the owner of a state root can watch it, and only commands of that user are heard. The directory's lock is held
 * as long as it is watched, so that there is one watcher, and a socket that a dead one has left is known to be that.
 */

import { doing } from '../../effects/error.ts';
import { eventfd, fchmod, flock, STATX_BYTES, statx, unlinkat, write } from '../../native/calls/files.ts';
import { accept, bindUnix, listen, peerIds, receive, socket } from '../../native/calls/sockets.ts';
import { ownerOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { LOCK } from '../../native/constants/files.ts';
import { AF, POLL, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, OwnedStack, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { openStateRoot } from '../../runtime/store/directory.ts';
import { WITH_VALUES } from '../../runtime/telling/connect.ts';
import { WATCH_SOCKET } from '../../runtime/telling/look.ts';

const BACKLOG = 511;
const OWNERS_ALONE = 0o600;
const PACKET_BYTES = 256 * 1024;
/** Packets of one command that are read before it is another one's turn. */
const AT_ONCE = 64;
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

export interface Hearing {
  /** @param connection tells the commands apart */
  packet(connection: number, text: string): void;
  /** The command has ended, or told something that cannot be. */
  over(connection: number): void;
}

export interface WatchSocket extends Disposable {
  /** Hears commands until `stop`. */
  serve(): Promise<void>;
  stop(): void;
}

/**
 * @param root absolute; it is made where it is not there
 * @throws Error of one line: somebody else's root, or watched already
 */
export function openWatchSocket(platform: Platform, root: string, withValues: boolean, hearing: Hearing): WatchSocket {
  const { local } = platform;
  return doing(`watch ${root}`, () => {
    const kept = new OwnedStack();
    try {
      const directory = kept.use(new Owned(local, openStateRoot(local, root)));
      checkOwner(local, directory.fd);
      lockRoot(local, directory.fd);
      attempt(local, unlinkat(directory.fd, WATCH_SOCKET));
      const listening = kept.use(opened(local, socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK)));
      // The file gets the permissions that the socket has when it is bound: nobody else can connect to it, ever.
      call(local, fchmod(listening.fd, OWNERS_ALONE | (withValues ? WITH_VALUES : 0)));
      call(local, bindUnix(listening.fd, `/proc/self/fd/${directory.fd}/${WATCH_SOCKET}`));
      kept.defer(() => attempt(local, unlinkat(directory.fd, WATCH_SOCKET)));
      call(local, listen(listening.fd, BACKLOG));
      const bell = kept.use(opened(local, eventfd()));
      const server = new Server(platform, listening.fd, bell.fd, hearing);
      kept.defer(() => server.close());
      return {
        serve: () => server.serve(),
        stop: () => server.stop(),
        [Symbol.dispose]: () => kept[Symbol.dispose](),
      };
    } catch (error) {
      kept[Symbol.dispose]();
      throw error;
    }
  });
}

function checkOwner(local: Kernel, directory: Fd): void {
  const stat = out(STATX_BYTES);
  call(local, statx(directory, '', stat));
  const user = call(local, { name: 'geteuid', args: [] });
  const owner = ownerOf(stat);
  if (owner !== user)
    throw new Error(`it belongs to uid ${owner}: only its owner can watch it, and this is uid ${user}`);
}

function lockRoot(local: Kernel, directory: Fd): void {
  try {
    call(local, flock(directory, LOCK.EX | LOCK.NB));
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) throw new Error('another runchart watch watches it already', { cause: error });
    throw error;
  }
}

class Server {
  readonly #platform: Platform;
  readonly #listening: Fd;
  readonly #bell: Fd;
  readonly #hearing: Hearing;
  readonly #connections = new Map<Fd, Connection>();
  readonly #buffer = out(PACKET_BYTES);
  #count = 0;
  #isStopped = false;

  constructor(platform: Platform, listening: Fd, bell: Fd, hearing: Hearing) {
    this.#platform = platform;
    this.#listening = listening;
    this.#bell = bell;
    this.#hearing = hearing;
  }

  async serve(): Promise<void> {
    while (!this.#isStopped) {
      const fds = [this.#bell, this.#listening, ...this.#connections.keys()];
      const events = await this.#platform.poll(fds.map((fd) => ({ fd, events: POLL.IN })));
      if (this.#isStopped) return;
      if (events[1]) this.#accept();
      fds.slice(2).forEach((fd, index) => {
        if (events[index + 2]) this.#read(fd);
      });
    }
  }

  stop(): void {
    this.#isStopped = true;
    attempt(this.#platform.local, write(this.#bell, ONE));
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.owned[Symbol.dispose]();
    this.#connections.clear();
  }

  #accept(): void {
    const { local } = this.#platform;
    for (;;) {
      const fd = attempt(local, accept(this.#listening));
      if (fd < 0) return;
      const owned = new Owned(local, fd);
      if (this.#isOfOurs(fd)) this.#connections.set(fd, { owned, number: ++this.#count });
      else owned[Symbol.dispose]();
    }
  }

  /** The file's permissions keep others away, but not a process that lost its rights after it had connected. */
  #isOfOurs(fd: Fd): boolean {
    const { local } = this.#platform;
    try {
      return peerIds(local, fd).uid === call(local, { name: 'geteuid', args: [] });
    } catch {
      return false;
    }
  }

  #read(fd: Fd): void {
    const connection = this.#connections.get(fd);
    if (connection === undefined) return;
    const { local } = this.#platform;
    const { bytes } = this.#buffer;
    for (let count = 0; count < AT_ONCE; count++) {
      const size = attempt(local, receive(fd, this.#buffer));
      if (isPassing(size)) return;
      if (size <= 0) {
        this.#connections.delete(fd);
        connection.owned[Symbol.dispose]();
        this.#hearing.over(connection.number);
        return;
      }
      this.#hearing.packet(connection.number, new TextDecoder().decode(bytes.subarray(0, size)));
    }
  }
}

interface Connection {
  readonly owned: Owned;
  readonly number: number;
}

/** EAGAIN, EINTR: there is nothing to read just now. */
const isPassing = (size: number): boolean => size === -ERRNO.EAGAIN || size === -ERRNO.EINTR;
