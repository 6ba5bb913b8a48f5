/** Sockets of other programs, whose paths a command is given. */

import { openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { pidfdOpen } from '../../native/calls/process.ts';
import { connectUnix, sendDescriptors, socket } from '../../native/calls/sockets.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';

/**
 * Connects to a stream socket.
 * @param what it is, for the error: `console socket`
 * @returns the connection; the caller closes it
 * @throws EffectError
 */
export const connectSocket = (local: Kernel, what: string, path: string): Fd =>
  doing(`connect to ${what} ${path}`, () => {
    using file = opened(local, openat(AT.FDCWD, path, O.PATH));
    const stat = out(STATX_BYTES);
    call(local, statx(file.fd, '', stat));
    if (typeOf(stat) !== S.IFSOCK) throw new EffectError('it is not a socket');
    using connection = opened(local, socket(AF.UNIX, SOCK.STREAM));
    connectThrough(local, connection.fd, file.fd);
    return connection.release();
  });

/**
 * Connects to the socket that a descriptor stands for. Its path may be longer than an address can be.
 * @param file opened with O_PATH
 * @throws SyscallError
 */
export function connectThrough(local: Kernel, connection: Fd, file: Fd): void {
  call(local, connectUnix(connection, `/proc/self/fd/${file}`));
}

/**
 * Sends a pidfd of a process.
 * @param data tells the receiver what the process is, in runc's words: `standard` is a container's first process,
 * `setns` one of `exec`
 * @throws EffectError
 */
export function sendPidfd(local: Kernel, over: Fd, pid: Pid, data: 'standard' | 'setns'): void {
  doing(`send a pidfd of process ${pid} over the pidfd socket`, () => {
    using pidfd = opened(local, pidfdOpen(pid));
    call(local, sendDescriptors(over, [pidfd.fd], new TextEncoder().encode(data)));
  });
}
