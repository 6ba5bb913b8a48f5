/**
 * sd_notify(3) for a container. Its process gets a socket of its own to say READY=1 to. What it says goes on to the
 * socket that the command's NOTIFY_SOCKET names, with the pid that systemd is to watch from then on.
 */

import { mkdirat, openat, unlinkat, write } from '../../native/calls/files.ts';
import { pipe } from '../../native/calls/pair.ts';
import {
  bindUnix,
  connectAbstract,
  receiveBuffers,
  receiveMessage,
  sendDescriptors,
  socket,
} from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { AF, POLL, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, perform, succeeded } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import type { Config } from '../../spec/types.ts';
import { doing } from '../error.ts';
import { connectThrough } from './sockets.ts';

/** In the container's state directory. It is mounted on MOUNT_POINT. */
const FOLDER = 'notify';
const NAME = 'notify.sock';
const MOUNT_POINT = '/run/notify';
/** The longest message of sd_notify(3): systemd reads no more. */
const MESSAGE_BYTES = 4096;
const BARRIER_MS = 30_000;

/**
 * The config with the socket's folder among its mounts, and its path in the environment. Pure.
 * @param directory where the container's state is, absolute
 */
export function withNotifySocket(config: Config, directory: string): Config {
  const { mounts = [], process } = config;
  const mount = {
    destination: MOUNT_POINT,
    type: 'bind',
    source: `${directory}/${FOLDER}`,
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
  return {
    ...config,
    mounts: [...mounts, mount],
    ...(process && { process: { ...process, env: [...(process.env ?? []), `NOTIFY_SOCKET=${MOUNT_POINT}/${NAME}`] } }),
  };
}

/** Makes the folder that `withNotifySocket` mounts, before the container is created. @throws EffectError */
export function makeNotifyFolder(local: Kernel, directory: string): void {
  const path = `${directory}/${FOLDER}`;
  doing(`make ${path}`, () => call(local, mkdirat(AT.FDCWD, path, 0o755)));
}

/**
 * Binds the socket that the container's process talks to.
 * @returns the socket, or undefined for a container that was created without one; the caller closes it
 * @throws EffectError
 */
export function bindNotifySocket(local: Kernel, directory: string): Fd | undefined {
  const path = `${directory}/${FOLDER}`;
  const open = openat(AT.FDCWD, path, O.PATH | O.DIRECTORY);
  const found = attempt(local, open);
  if (found === -ERRNO.ENOENT) return undefined;
  return doing(`listen on ${path}/${NAME}`, () => {
    using folder = new Owned(local, succeeded(open, found));
    using bound = opened(local, socket(AF.UNIX, SOCK.DGRAM | SOCK.NONBLOCK));
    // A start that failed may have left one.
    attempt(local, unlinkat(folder.fd, NAME));
    // By descriptor: the path may be longer than an address can be.
    perform(local, [
      bindUnix(bound.fd, `/proc/self/fd/${folder.fd}/${NAME}`),
      { name: 'fchmodat', args: [folder.fd, NAME, 0o777] },
    ]);
    return bound.release();
  });
}

/**
 * @param address as in NOTIFY_SOCKET: a path, or `@` and the name of a socket without a path
 * @returns the connection; the caller closes it
 * @throws EffectError
 */
export const connectNotifyHost = (local: Kernel, address: string): Fd =>
  doing(`connect to NOTIFY_SOCKET ${address}`, () => {
    using connection = opened(local, socket(AF.UNIX, SOCK.DGRAM));
    if (address.startsWith('@')) call(local, connectAbstract(connection.fd, address.slice(1)));
    else {
      using file = opened(local, openat(AT.FDCWD, address, O.PATH));
      connectThrough(local, connection.fd, file.fd);
    }
    return connection.release();
  });

/**
 * Waits until the container's process says that it is ready, or ends.
 * @param pidfd of the container's process; undefined where that is gone already
 * @returns the line that it said, if it did
 */
export async function awaitReady(platform: Platform, fd: Fd, pidfd?: Fd): Promise<string | undefined> {
  const fds = pidfd === undefined ? [fd] : [fd, pidfd];
  const awaited = fds.map((one) => ({ fd: one, events: POLL.IN }));
  for (;;) {
    const [talks] = await platform.poll(awaited, pidfd === undefined ? 0 : -1);
    // Messages come before the end of the process: the last one may be there when it has ended.
    if (!talks) return undefined;
    const line = readyLine(platform.local, fd);
    if (line !== undefined) return line;
  }
}

/** Reads one message, which may hold several lines. */
function readyLine(local: Kernel, fd: Fd): string | undefined {
  const buffers = receiveBuffers(0, MESSAGE_BYTES);
  const length = attempt(local, receiveMessage(fd, buffers));
  const text = new TextDecoder().decode(buffers.data.bytes.subarray(0, Math.max(0, length)));
  return text.split('\n').find((line) => line.startsWith('READY='));
}

/**
 * Tells the host that the container is ready, and waits until the host has taken note (sd_notify_barrier(3)).
 * @param mainPid the pid that systemd is to watch from now on
 * @returns whether the host took note within 30 seconds; if not, the command goes on without
 * @throws EffectError
 */
export async function tellReady(platform: Platform, host: Fd, line: string, mainPid: Pid): Promise<boolean> {
  const { local } = platform;
  const ends = doing('make a pipe for NOTIFY_SOCKET', () => pipe(local, O.CLOEXEC));
  using reading = new Owned(local, ends[0]);
  {
    // The host gets this end and closes it once it has read our messages. So ours must be closed too.
    using writing = new Owned(local, ends[1]);
    doing('send to NOTIFY_SOCKET', () =>
      perform(local, [
        write(host, `${line}\n`),
        write(host, `MAINPID=${mainPid}\n`),
        sendDescriptors(host, [writing.fd], new TextEncoder().encode('BARRIER=1')),
      ]),
    );
  }
  const [closed] = await platform.poll([{ fd: reading.fd, events: POLL.IN }], BARRIER_MS);
  return Boolean(closed);
}
