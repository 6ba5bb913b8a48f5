/** What a resident process does when nothing has come for a while: it gives memory back. */

import { readSmallFile } from '../../effects/paths/proc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { type Area, sectionOf } from './bundled.ts';

const MADV_DONTNEED = 4;
const SMAPS_BYTES = 4 << 20;
const PROT_READ = 1;
const PROT_WRITE = 2;
/** Of all architectures: arm64 has pages of up to 64 kB. */
const LARGEST_PAGE = 64 * 1024;
/** The section of what is bundled. */
const BUNDLED = '.bun';

/** Gives back what the commands of a while have left. */
export function collectGarbage(): void {
  const bun: { gc?(now: boolean): void } | undefined = Reflect.get(globalThis, 'Bun');
  bun?.gc?.(true);
}

/**
 * Lets go of the code and constants of the program, its bundled scripts among them. The kernel keeps them in its page
 * cache, for all who run it, and maps again what is needed. That makes the next command 0.7 ms slower.
 * @param program its path
 */
export function letGoOfCode(kernel: Kernel, program: string): void {
  const bundled = wholePages(sectionOf(kernel, program, BUNDLED));
  const may = (rights: number): void => {
    if (bundled) kernel.submit([{ name: 'mprotect', args: [bundled.from, bundled.size, rights], mayFail: true }]);
  };
  // So they are a mapping of their own, which shows whether somebody has written to it. Nobody can meanwhile.
  may(PROT_READ);
  for (const { from, size } of codeIn(readSmallFile(kernel, '/proc/self/smaps', SMAPS_BYTES), program))
    kernel.submit([{ name: 'madvise', args: [from, size, MADV_DONTNEED], mayFail: true }]);
  may(PROT_READ | PROT_WRITE);
}

function wholePages(area: Area | undefined): Area | undefined {
  if (area === undefined) return undefined;
  const from = Math.ceil(area.from / LARGEST_PAGE) * LARGEST_PAGE;
  const to = Math.floor((area.from + area.size) / LARGEST_PAGE) * LARGEST_PAGE;
  return to > from ? { from, size: to - from } : undefined;
}

/**
 * The mappings of a program that nobody can write to, and of which no page is this process's own (proc_pid_smaps(5)):
 * what is in the file can be read again. Pure.
 */
export function codeIn(smaps: string, program: string): readonly Area[] {
  // The first line of a mapping begins with its addresses; the others with the name of a field.
  return smaps.split(/\n(?=[0-9a-f]+-)/).flatMap((mapping) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(.*)$/m.exec(mapping) ?? [];
    if (from === undefined || to === undefined || path !== program || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    const start = Number.parseInt(from, 16);
    return [{ from: start, size: Number.parseInt(to, 16) - start }];
  });
}
