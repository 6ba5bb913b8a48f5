/** Numbers of bytes as people write them. Pure. */

import type { JsonPath } from '../problem.ts';
import { refuse } from './refuse.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/**
 * @param given bytes, or a text such as `512m` or `1.5g`: the units are powers of 1024
 * @throws SpecError
 */
export function bytesOf(given: number | string, at: JsonPath): number {
  const bytes = typeof given === 'string' ? parsed(given) : given;
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes <= 0)
    return refuse(at, 'must be a number of bytes, such as 67108864 or "64m"');
  return bytes;
}

function parsed(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(?:([kmgt])i?b?|b)?$/i.exec(text) ?? [];
  const scale = UNITS[unit.toLowerCase()];
  return number === undefined || scale === undefined ? undefined : Math.round(Number(number) * scale);
}
