/** epoll(7): several processes wait for the same socket, and the kernel wakes one of them. */

import type { Call } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { out, viewOf } from '../kernel/struct.ts';

/** struct epoll_event is packed on x86-64 alone. */
const EVENT = process.arch === 'x64' ? { BYTES: 12, DATA: 4 } : { BYTES: 16, DATA: 8 };
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
export const EPOLL = { IN: 1, EXCLUSIVE: 0x1000_0000 } as const;

export const epollCreate = (): Call<Fd> => ({ name: 'epoll_create1', args: [EPOLL_CLOEXEC] });

export function epollAdd(epoll: Fd, fd: Fd, events: number): Call {
  const event = new Uint8Array(EVENT.BYTES);
  const view = viewOf(event);
  view.setUint32(0, events >>> 0, true);
  view.setInt32(EVENT.DATA, fd, true);
  return { name: 'epoll_ctl', args: [epoll, EPOLL_CTL_ADD, fd, event] };
}

const MOST_EVENTS = 4;

/**
 * Waits. The result is how many descriptors are ready; `readyIn` tells which.
 * @param milliseconds -1: for ever
 */
export function epollWait(epoll: Fd, milliseconds = -1) {
  const events = out(EVENT.BYTES * MOST_EVENTS);
  const call: Call = { name: 'epoll_pwait', args: [epoll, events, MOST_EVENTS, milliseconds, null, 8], mayFail: true };
  const readyIn = (count: number): readonly Fd[] =>
    Array.from({ length: Math.max(0, count) }, (_, i) =>
      viewOf(events.bytes).getInt32(i * EVENT.BYTES + EVENT.DATA, true),
    );
  return { call, readyIn };
}
