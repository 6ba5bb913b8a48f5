/**
 * Lists of CPUs or memory nodes, such as `0-3,7`: config.md, "execCPUAffinity"; config-linux.md, "memoryPolicy". Pure.
 */

/** runc's bound. Without one, a mistaken number would become a mask of gigabytes. */
const LARGEST = 64 * 1024;

/**
 * The mask of a list: bit n is number n, and it has whole 64-bit words. Spaces and empty elements are ignored, as by
 * runc. The mask of an empty text is empty.
 * @throws RangeError, with runc's words where runc has any
 */
export function maskOf(list: string): Uint8Array {
  if (list === '') return new Uint8Array(0);
  const ranges = list
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
    .map(rangeOf);
  if (ranges.length === 0) throw new RangeError(`no members found in set ${JSON.stringify(list)}`);
  const mask = new Uint8Array((Math.floor(Math.max(...ranges.map(([, last]) => last)) / 64) + 1) * 8);
  for (const [first, last] of ranges)
    for (let n = first; n <= last; n++) mask[n >> 3] = (mask[n >> 3] ?? 0) | (1 << (n & 7));
  return mask;
}

/** How many numbers a mask holds. */
export function countOf(mask: Uint8Array): number {
  let count = 0;
  for (const byte of mask) for (let bits = byte; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

/**
 * Checks a list.
 * @param wrong is told what is wrong with it
 * @returns its mask, or undefined where it is wrong
 */
export function checkNumberList(list: string, wrong: (reason: string) => void): Uint8Array | undefined {
  try {
    return maskOf(list);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    wrong(error.message);
    return undefined;
  }
}

function rangeOf(element: string): readonly [first: number, last: number] {
  const dash = element.indexOf('-');
  const first = numberOf(dash < 0 ? element : element.slice(0, dash));
  const last = dash < 0 ? first : numberOf(element.slice(dash + 1));
  if (first > last) throw new RangeError(`invalid range: ${element}`);
  return [first, last];
}

function numberOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new RangeError(`parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value > LARGEST) throw new RangeError(`values larger than ${LARGEST} are not supported`);
  return value;
}
