/** Lists of CPUs and memory nodes as systemd takes them. Pure. */

import { CgroupError } from '../files.ts';

const MAX_CPU = 8191;

/** A list as `0-3,7` as a mask, the lowest byte first. @throws CgroupError */
export function bitsOf(list: string, what: string): readonly number[] {
  const bytes: number[] = [];
  for (const part of list.split(',').map((text) => text.trim())) {
    if (part === '') continue;
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to <= MAX_CPU)) throw new CgroupError(`${what}: invalid range ${JSON.stringify(part)}`, '', 0);
    for (let n = from; n <= to; n++) {
      while (bytes.length <= n >> 3) bytes.push(0);
      bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (1 << (n & 7));
    }
  }
  if (bytes.length === 0) throw new CgroupError(`${what}: ${JSON.stringify(list)} names none`, '', 0);
  return bytes;
}
