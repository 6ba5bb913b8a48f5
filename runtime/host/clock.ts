/** The time in nanoseconds, from the kernel: JavaScript's own dates have milliseconds only. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

const CLOCK_REALTIME = 0;
const TIMESPEC_BYTES = 16;

/**
 * The time now in RFC 3339 with nanoseconds, UTC, without trailing zeros, as Go prints it:
 * `2026-11-24T08:31:09.123456789Z`.
 */
export function nowNanoseconds(kernel: Kernel): string {
  const timespec = out(TIMESPEC_BYTES);
  call(kernel, { name: 'clock_gettime', args: [CLOCK_REALTIME, timespec] });
  const view = viewOf(timespec.bytes);
  return rfc3339(Number(view.getBigInt64(0, true)), Number(view.getBigInt64(8, true)));
}

/** @param seconds since the epoch */
export function rfc3339(seconds: number, nanoseconds: number): string {
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}
