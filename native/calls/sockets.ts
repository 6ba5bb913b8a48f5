/** Calls on sockets, and descriptors sent over them (unix(7), SCM_RIGHTS). */

import { AF, MSG, SCM_RIGHTS, SO, SOCK, SOL_SOCKET } from '../constants/socket.ts';
import type { Call, Kernel, Out } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { call } from '../kernel/perform.ts';
import { out, u32s, u64s, viewOf, words } from '../kernel/struct.ts';
import type { FdArg } from './files.ts';

/** The longest path that fits a sockaddr_un, without its NUL. */
const UNIX_PATH_MAX = 107;

export const socket = (family: number, type: number): Call<Fd> => ({
  name: 'socket',
  args: [family, type | SOCK.CLOEXEC, 0],
});
/** A connected pair. The two descriptors are the first two 32-bit words of the answer; pair.ts reads them. */
export const socketpair = (type: number, into: Out): Call => ({
  name: 'socketpair',
  args: [AF.UNIX, type | SOCK.CLOEXEC, 0, into],
});
export const bindUnix = (fd: FdArg, path: string): Call => ({ name: 'bind', args: [fd, ...unixAddress(path)] });
export const connectUnix = (fd: FdArg, path: string): Call => ({ name: 'connect', args: [fd, ...unixAddress(path)] });
/** Connects to a socket that has a name instead of a path (unix(7), "abstract"). */
export const connectAbstract = (fd: FdArg, name: string): Call => {
  const address = new Uint8Array([AF.UNIX, 0, 0, ...new TextEncoder().encode(name)]);
  return { name: 'connect', args: [fd, address, address.length] };
};
export const listen = (fd: FdArg, backlog = 1): Call => ({ name: 'listen', args: [fd, backlog] });
export const accept = (fd: FdArg): Call<Fd> => ({ name: 'accept4', args: [fd, null, null, SOCK.CLOEXEC] });
/**
 * For a call to serve on (`serve`): the init takes connections of this user only.
 * @param uid in the user namespace of the init
 */
export const acceptFrom = (fd: FdArg, uid: number): Call<Fd> => ({
  name: 'accept4',
  args: [fd, null, null, SOCK.CLOEXEC, uid],
});

/** SO_SNDTIMEO: from then on, a connect or send that would wait longer fails with EAGAIN. */
export const setSendTimeout = (fd: FdArg, seconds: number): Call => ({
  name: 'setsockopt',
  args: [fd, SOL_SOCKET, SO.SNDTIMEO, u64s(seconds, 0), 16],
});

function unixAddress(path: string): readonly [address: Uint8Array, length: number] {
  const name = new TextEncoder().encode(path);
  if (name.length > UNIX_PATH_MAX)
    throw new RangeError(`the socket's path is longer than ${UNIX_PATH_MAX} bytes: ${path}`);
  const address = new Uint8Array(2 + name.length + 1);
  address[0] = AF.UNIX;
  address.set(name, 2);
  return [address, address.length];
}

/** Sends a message. If the other end is gone it fails with EPIPE, and there is no SIGPIPE. */
export const send = (fd: FdArg, data: Uint8Array): Call => ({
  name: 'sendto',
  args: [fd, data, data.length, MSG.NOSIGNAL, null, 0],
});

/** Sends a message without waiting. It fails with EAGAIN where there is no room. */
export const sendAtOnce = (fd: Fd, data: Uint8Array): Call => ({
  name: 'sendto',
  args: [fd, data, data.length, MSG.NOSIGNAL | MSG.DONTWAIT, null, 0],
});
/** Receives a message without waiting, even where the socket is in blocking mode. */
export const receive = (fd: Fd, into: Out): Call => ({
  name: 'recvfrom',
  args: [fd, into, into.bytes.length, MSG.DONTWAIT, null, null],
});

/** Sends descriptors of the performer, with `data`: at least one byte. */
export function sendDescriptors(fd: FdArg, descriptors: readonly Fd[], data: Uint8Array = new Uint8Array(1)): Call {
  const control = new Uint8Array(16 + ((descriptors.length * 4 + 7) & ~7));
  const view = viewOf(control);
  view.setUint32(0, 16 + descriptors.length * 4, true);
  view.setUint32(8, SOL_SOCKET, true);
  view.setUint32(12, SCM_RIGHTS, true);
  descriptors.forEach((descriptor, i) => {
    view.setInt32(16 + i * 4, descriptor, true);
  });
  // name, namelen, iov, iovlen, control, controllen, flags
  const message = words(null, 0, words(data, data.length), 1, control, control.length, 0);
  return { name: 'sendmsg', args: [fd, message, MSG.NOSIGNAL] };
}

/** Room for a message's data, and for up to `count` descriptors. */
export const receiveBuffers = (count: number, dataBytes = 1) => ({
  data: { kind: 'out', bytes: new Uint8Array(dataBytes) } satisfies Out,
  control: { kind: 'out', bytes: new Uint8Array(16 + ((count * 4 + 7) & ~7)) } satisfies Out,
});

/** Receives a message. @param flags by default, the descriptors that come are close-on-exec */
export function receiveMessage(
  fd: FdArg,
  { data, control }: ReturnType<typeof receiveBuffers>,
  flags: number = MSG.CMSG_CLOEXEC,
): Call {
  const message = words(null, 0, words(data, data.bytes.length), 1, control, control.bytes.length, 0);
  return { name: 'recvmsg', args: [fd, message, flags] };
}

/** The descriptors that came with a message. @param control as `receiveMessage` filled it */
export function receivedDescriptors(control: Out): readonly Fd[] {
  const view = viewOf(control.bytes);
  if (view.getUint32(8, true) !== SOL_SOCKET || view.getUint32(12, true) !== SCM_RIGHTS) return [];
  const count = Math.max(0, Math.min(view.getUint32(0, true), control.bytes.length) - 16) >> 2;
  return Array.from({ length: count }, (_, i) => view.getInt32(16 + i * 4, true));
}

/** Who is at the other end of a connection, as this process sees it. */
export interface PeerIds {
  readonly pid: Pid;
  readonly uid: number;
}

const UCRED_BYTES = 12;

/** SO_PEERCRED: who has made the other end, or listened on it (unix(7)). @throws SyscallError */
export function peerIds(kernel: Kernel, fd: Fd): PeerIds {
  const ucred = out(UCRED_BYTES);
  call(kernel, { name: 'getsockopt', args: [fd, SOL_SOCKET, SO.PEERCRED, ucred, u32s(UCRED_BYTES)] });
  const view = viewOf(ucred.bytes);
  return { pid: view.getInt32(0, true), uid: view.getUint32(4, true) };
}

/** shutdown(2). @param how SHUT_RD, SHUT_WR or SHUT_RDWR */
export const shutdown = (fd: FdArg, how: number): Call => ({ name: 'shutdown', args: [fd, how] });
