/**
 * sd_notify(3) for a container: its process is given a socket of its own to say READY=1 to, and what it says is handed
 * on to the socket that NOTIFY_SOCKET of the command names, with the pid that is to be watched from then on.
 */

import { close, mkdirat, openat, unlinkat, write } from '../../native/calls/files.ts';
import { pipe } from '../../native/calls/pair.ts';
import {
  bindUnix,
  connectAbstract,
  connectUnix,
  receiveBuffers,
  receiveMessage,
  sendDescriptors,
  socket,
} from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { AF, POLL, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import type { Config } from '../../spec/types.ts';
import { doing } from '../error.ts';

/** In the container's state directory; it is bound on MOUNT_POINT. */
const FOLDER = 'notify';
const NAME = 'notify.sock';
const MOUNT_POINT = '/run/notify';
/** Messages of sd_notify are that long at most: systemd reads no more. */
const MESSAGE_BYTES = 4096;
const BARRIER_MS = 30_000;

/** The config with the socket's folder among its mounts, and its path in the environment. Pure. @param directory of the container's state */
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

/** For `withNotifySocket`, before the container is created. @throws EffectError */
export function makeNotifyFolder(local: Kernel, directory: string): void {
  const path = `${directory}/${FOLDER}`;
  doing(`make ${path}`, () => call(local, mkdirat(AT.FDCWD, path, 0o755)));
}

/**
 * Binds the socket that the container's process talks to.
 * @returns it, or undefined where the container was created without one
 * @throws EffectError
 */
export function bindNotifySocket(local: Kernel, directory: string): number | undefined {
  const path = `${directory}/${FOLDER}`;
  const folder = attempt(local, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  if (folder === -ERRNO.ENOENT) return undefined;
  return doing(`listen on ${path}/${NAME}`, () => {
    if (folder < 0) call(local, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
    const fd = call(local, socket(AF.UNIX, SOCK.DGRAM | SOCK.NONBLOCK));
    try {
      // Of a start that failed.
      attempt(local, unlinkat(folder, NAME));
      // By descriptor: the path may be longer than an address can be.
      perform(local, [
        bindUnix(fd, `/proc/self/fd/${folder}/${NAME}`),
        { name: 'fchmodat', args: [folder, NAME, 0o777] },
      ]);
      return fd;
    } catch (error) {
      attempt(local, close(fd));
      throw error;
    } finally {
      attempt(local, close(folder));
    }
  });
}

/** @param address as in NOTIFY_SOCKET: a path, or `@` and a name without one. @throws EffectError */
export function connectNotifyHost(local: Kernel, address: string): number {
  return doing(`connect to NOTIFY_SOCKET ${address}`, () => {
    const fd = call(local, socket(AF.UNIX, SOCK.DGRAM));
    try {
      if (address.startsWith('@')) perform(local, [connectAbstract(fd, address.slice(1))]);
      else connectByPath(local, fd, address);
      return fd;
    } catch (error) {
      attempt(local, close(fd));
      throw error;
    }
  });
}

/** By a descriptor of the socket: its path may be longer than an address can be. */
function connectByPath(local: Kernel, fd: number, path: string): void {
  const file = call(local, openat(AT.FDCWD, path, O.PATH));
  try {
    perform(local, [connectUnix(fd, `/proc/self/fd/${file}`)]);
  } finally {
    attempt(local, close(file));
  }
}

/**
 * Waits for the container's process to say that it is ready, or to end.
 * @param pidfd of the container's process; undefined where that is gone already
 * @returns the line that it said, if it did
 */
export async function awaitReady(platform: Platform, fd: number, pidfd?: number): Promise<string | undefined> {
  const fds = pidfd === undefined ? [fd] : [fd, pidfd];
  const awaited = fds.map((one) => ({ fd: one, events: POLL.IN }));
  for (;;) {
    const [talks] = await platform.poll(awaited, pidfd === undefined ? 0 : -1);
    // What it said last may be there beside its end.
    if (!talks) return undefined;
    const line = readyLine(platform.local, fd);
    if (line !== undefined) return line;
  }
}

/** Of one message, which may hold several lines. */
function readyLine(local: Kernel, fd: number): string | undefined {
  const buffers = receiveBuffers(0, MESSAGE_BYTES);
  const length = attempt(local, receiveMessage(fd, buffers));
  const text = new TextDecoder().decode(buffers.data.bytes.subarray(0, Math.max(0, length)));
  return text.split('\n').find((line) => line.startsWith('READY='));
}

/**
 * Hands on that it is ready, and waits until that was taken note of (sd_notify_barrier(3)).
 * @param mainPid that systemd shall watch from now on
 * @returns whether it was; where nobody answers it goes on without
 * @throws EffectError
 */
export async function tellReady(platform: Platform, host: number, line: string, mainPid: number): Promise<boolean> {
  const { local } = platform;
  const [reading, writing] = doing('make a pipe for NOTIFY_SOCKET', () => pipe(local, O.CLOEXEC));
  const open = [reading, writing];
  try {
    doing('send to NOTIFY_SOCKET', () =>
      perform(local, [
        write(host, `${line}\n`),
        write(host, `MAINPID=${mainPid}\n`),
        sendDescriptors(host, [writing], new TextEncoder().encode('BARRIER=1')),
      ]),
    );
    attempt(local, close(open.pop() ?? -1));
    const [closed] = await platform.poll([{ fd: reading, events: POLL.IN }], BARRIER_MS);
    return Boolean(closed);
  } finally {
    for (const fd of open) attempt(local, close(fd));
  }
}
