/** Lists of CPUs and memory nodes in the form that systemd takes. Pure. */

import { CgroupError } from '../error.ts';

const MAX_CPU = 8191;

/**
 * A list such as `0-3,7` as a mask, the lowest byte first.
 * @param what names the list in an error. @throws CgroupError
 */
export function bitsOf(list: string, what: string): readonly number[] {
  const bytes: number[] = [];
  for (const part of list.split(',').map((text) => text.trim())) {
    if (part === '') continue;
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to <= MAX_CPU)) throw new CgroupError(`${what}: invalid range ${JSON.stringify(part)}`);
    for (let n = from; n <= to; n++) {
      while (bytes.length <= n >> 3) bytes.push(0);
      bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (1 << (n & 7));
    }
  }
  if (bytes.length === 0) throw new CgroupError(`${what}: ${JSON.stringify(list)} names none`);
  return bytes;
}
