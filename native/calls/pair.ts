/** Calls that make two descriptors at once. */

import { SOCK } from '../constants/socket.ts';
import type { Call, Kernel, Out } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { call } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import { socketpair } from './sockets.ts';

const PAIR_BYTES = 8;

/** Two connected Unix sockets, close-on-exec. @param type SOCK.STREAM, SOCK.SEQPACKET. @throws SyscallError */
export const socketPair = (kernel: Kernel, type: number = SOCK.STREAM): readonly [Fd, Fd] =>
  pairOf(kernel, (into) => socketpair(type, into));

/** The reading end and the writing end of a pipe. @param flags O.CLOEXEC, O.NONBLOCK. @throws SyscallError */
export const pipe = (kernel: Kernel, flags: number): readonly [Fd, Fd] =>
  pairOf(kernel, (into) => ({ name: 'pipe2', args: [into, flags] }));

function pairOf(kernel: Kernel, make: (into: Out) => Call): readonly [Fd, Fd] {
  const both = out(PAIR_BYTES);
  call(kernel, make(both));
  const view = viewOf(both.bytes);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}
