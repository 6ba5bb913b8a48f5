/**
 * The specification speaks of cgroup v1. This says what its values mean on v2. The formulas are runc's, so that both
 * runtimes set the same limits. Pure.
 */

import type { Wide } from '../../../spec/types.ts';
import { CgroupError } from '../error.ts';

/**
 * cpu.shares (2 … 262144, by default 1024) as cpu.weight (1 … 10000, by default 100). The curve is quadratic in the
 * logarithms, and goes through these three points. It is runc's formula since 1.4.
 */
export function cpuWeight(shares: Wide): number {
  const value = Number(shares);
  if (value === 0) return 0;
  if (value <= 2) return 1;
  if (value >= 262_144) return 10_000;
  const l = Math.log2(value);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

/** blkio.weight (10 … 1000) as io.weight (1 … 10000), by a linear formula. */
export function ioWeight(weight: number): number {
  return weight === 0 ? 0 : 1 + Math.trunc(((weight - 10) * 9999) / 990);
}

/**
 * memory.swap.max for `memory.swap`, which in the specification is memory and swap together.
 * @returns `max`, a number of bytes, or undefined where the limit is left as it is
 * @throws CgroupError in runc's words, where the two values contradict each other
 */
export function swapMax(swap: Wide | undefined, memory: Wide | undefined): string | undefined {
  const [both, limit] = [BigInt(swap ?? 0), BigInt(memory ?? 0)];
  // Where only memory is given and is unlimited, both are, as on v1.
  if (limit === -1n && both === 0n) return 'max';
  if (both === 0n) return undefined;
  if (both === -1n) return 'max';
  if (limit === -1n) return String(both);
  if (limit === 0n) throw new CgroupError('unable to set swap limit without memory limit');
  if (limit < 0n) throw new CgroupError(`invalid memory value: ${limit}`);
  if (both < limit) throw new CgroupError('memory+swap limit should be >= memory limit');
  return String(both - limit);
}

/** pids.max. Zero becomes 1, since systemd takes no 0, and the container's own process is one anyway. */
export function pidsMax(limit: Wide): string {
  const value = BigInt(limit);
  return value < 0n ? 'max' : value === 0n ? '1' : String(value);
}

/** A memory limit, in bytes or -1, in the form of a v2 file. */
export const v2Bytes = (value: Wide): string => (BigInt(value) === -1n ? 'max' : String(value));
