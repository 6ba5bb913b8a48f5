/**
 * Which descriptor is what in a process that serves batches: standard input, output and error; what it preserves; its
 * end of the batch socket; its extra descriptors. Pure.
 */

import type { Fd } from '../../native/kernel/numbers.ts';

/** The process's end of the batch socket: the first after what it preserves. */
export const batchDescriptor = (preserveFds: number): Fd => 3 + preserveFds;

/** The i-th extra descriptor. */
export const extraDescriptor = (preserveFds: number, index: number): Fd => batchDescriptor(preserveFds) + 1 + index;

/** Added to a descriptor of a process, it gives a number that no file gets which the process opens meanwhile. */
export const APART = 16;

/** An init's rootfs, until the init enters it. */
export const rootDescriptor = (preserveFds: number): Fd => batchDescriptor(preserveFds) + APART;
