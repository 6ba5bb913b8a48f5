/** When a server is told to end. */

import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { u64s } from '../../native/kernel/struct.ts';

const ENDING = [SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGTERM];
const SET_BYTES = 8;
/** SFD_CLOEXEC and SFD_NONBLOCK. */
const FLAGS = 0o2000000 | 0o4000;

/**
 * The launcher has blocked the signals that tell a server to end, in all threads to come. So they wait here, and the
 * server need not wake up for anything else.
 * @returns a descriptor that is readable once one of them has come: signalfd(2)
 * @throws SyscallError
 */
export function endingSignals(kernel: Kernel): Owned {
  const set = ENDING.reduce((bits, signal) => bits | (1 << (signal - 1)), 0);
  return new Owned(kernel, call(kernel, { name: 'signalfd4', args: [-1, u64s(set), SET_BYTES, FLAGS] }));
}
