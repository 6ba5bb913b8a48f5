/** What a resident process does when nothing has come for a while: it gives memory back. */

import { readSmallFile } from '../../effects/paths/proc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';

const MADV_DONTNEED = 4;
const MAPS_BYTES = 1 << 20;

/** Gives back what the commands of a while have left. */
export function collectGarbage(): void {
  const bun: { gc?(now: boolean): void } | undefined = Reflect.get(globalThis, 'Bun');
  bun?.gc?.(true);
}

/**
 * Lets go of the program's own code. The kernel keeps that in its page cache, for all who run the program, and maps
 * again what is needed. That makes the next command 0.7 ms slower.
 * @param program its path
 */
export function letGoOfCode(kernel: Kernel, program: string): void {
  for (const { from, size } of codeIn(readSmallFile(kernel, '/proc/self/maps', MAPS_BYTES), program))
    kernel.submit([{ name: 'madvise', args: [from, size, MADV_DONTNEED], mayFail: true }]);
}

/** The mappings of a program's code: what cannot be written to, and so is the same as in the file. Pure. */
export function codeIn(maps: string, program: string): readonly { readonly from: number; readonly size: number }[] {
  return maps.split('\n').flatMap((line) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+ +(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined || path !== program) return [];
    const start = Number.parseInt(from, 16);
    return [{ from: start, size: Number.parseInt(to, 16) - start }];
  });
}
