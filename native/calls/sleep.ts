/** Lets a performer wait. */

import type { Kernel } from '../kernel/kernel.ts';
import { u64s } from '../kernel/struct.ts';

/** Lets the performer sleep by nanosleep(2). A signal may wake it earlier, which is no error. */
export function sleep(kernel: Kernel, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
  kernel.submit([{ name: 'nanosleep', args: [u64s(seconds, nanoseconds), null], mayFail: true }]);
}
