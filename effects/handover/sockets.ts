/** Sockets of others that a command is given the paths of. */

import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { pidfdOpen } from '../../native/calls/process.ts';
import { connectUnix, sendDescriptors, socket } from '../../native/calls/sockets.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';

/** By a descriptor of the socket: its path may be longer than an address can be. @throws EffectError */
export function connectSocket(local: Kernel, what: string, path: string): number {
  return doing(`connect to ${what} ${path}`, () => {
    const file = call(local, openat(AT.FDCWD, path, O.PATH));
    try {
      const stat = out(STATX_BYTES);
      perform(local, [statx(file, '', stat)]);
      if ((viewOf(stat.bytes).getUint16(28, true) & S.IFMT) !== S.IFSOCK) throw new EffectError('it is not a socket');
      const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
      try {
        perform(local, [connectUnix(fd, `/proc/self/fd/${file}`)]);
        return fd;
      } catch (error) {
        attempt(local, close(fd));
        throw error;
      }
    } finally {
      attempt(local, close(file));
    }
  });
}

/**
 * Sends a pidfd of a process. Those who wait for it expect in the data what the process is, as runc's says it:
 * `standard` a container's first process, `setns` one of `exec`.
 * @throws EffectError
 */
export function sendPidfd(local: Kernel, over: number, pid: number, data: 'standard' | 'setns'): void {
  doing(`send a pidfd of process ${pid} over the pidfd socket`, () => {
    const pidfd = call(local, pidfdOpen(pid));
    try {
      perform(local, [sendDescriptors(over, [pidfd], new TextEncoder().encode(data))]);
    } finally {
      attempt(local, close(pidfd));
    }
  });
}
