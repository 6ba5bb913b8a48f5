/** Waits on this thread for descriptors to be ready. */

import { ERRNO } from '../constants/errno.ts';
import { POLL } from '../constants/socket.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import type { PollRequest } from '../kernel/poll.ts';
import { u64s, viewOf } from '../kernel/struct.ts';

/** struct pollfd: an int, and two shorts. */
const POLLFD = { BYTES: 8, EVENTS: 4 } as const;

/**
 * ppoll(2): how many of the descriptors are ready, 0 when the time is up, EINTR when this thread got a signal. Which
 * ones are ready does not come back: the kernel writes that to memory which is passed in, and not out.
 */
export function ppoll(requests: readonly PollRequest[], milliseconds: number): Call {
  const polled = new Uint8Array(requests.length * POLLFD.BYTES);
  const view = viewOf(polled);
  requests.forEach(({ fd, events }, i) => {
    view.setInt32(i * POLLFD.BYTES, fd, true);
    view.setInt16(i * POLLFD.BYTES + POLLFD.EVENTS, events, true);
  });
  const timeout = u64s(Math.floor(milliseconds / 1000), Math.floor((milliseconds % 1000) * 1_000_000));
  return { name: 'ppoll', args: [polled, requests.length, timeout, null, 0], mayFail: true };
}

/**
 * Waits until a descriptor can be read, or its other end is gone. Signals do not end the wait: an engine with a JIT
 * sends itself some.
 * @returns false where the time is up
 */
export function isReadableWithin(kernel: Kernel, fd: Fd, milliseconds: number): boolean {
  const deadline = performance.now() + milliseconds;
  for (let left = milliseconds; ; left = Math.max(0, deadline - performance.now())) {
    const ready = attempt(kernel, ppoll([{ fd, events: POLL.IN }], left));
    if (ready !== -ERRNO.EINTR) return ready > 0;
  }
}
