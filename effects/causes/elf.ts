/** Reads the header of an ELF file (elf(5)): for which machine it is, and which interpreter loads it. Pure. */

import { viewOf } from '../../native/kernel/struct.ts';

/** Enough for the file's header and its program headers, wherever a linker puts them. */
export const HEADER_BYTES = 4096;
const MAGIC = 0x7f454c46;
const PT_INTERP = 3;
/** The kernel takes no more (PATH_MAX). */
const LONGEST_INTERPRETER = 4096;

export interface Elf {
  readonly bits: 32 | 64;
  readonly bigEndian: boolean;
  /** EM_X86_64, … */
  readonly machine: number;
  /** Where in the file the interpreter's name is; undefined for a static program. */
  readonly interpreter?: { readonly offset: number; readonly size: number };
}

export type Bytes = Uint8Array;

export const isElf = (start: Bytes): boolean => start.length >= 4 && viewOf(start).getUint32(0) === MAGIC;

/**
 * @param start the beginning of the file, hostile
 * @returns undefined where it is no ELF header, or one that is cut off
 */
export function readElf(start: Bytes): Elf | undefined {
  const view = viewOf(start);
  if (!isElf(start) || start.length < 52) return undefined;
  const [bits, order] = [start[4], start[5]];
  if ((bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) return undefined;
  const wide = bits === 2;
  const little = order === 1;
  if (wide && start.length < 64) return undefined;
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const table = word(wide ? 32 : 28);
  const entry = view.getUint16(wide ? 54 : 42, little);
  const count = view.getUint16(wide ? 56 : 44, little);
  const elf: Elf = { bits: wide ? 64 : 32, bigEndian: !little, machine: view.getUint16(18, little) };
  const smallest = wide ? 56 : 32;
  if (entry < smallest) return elf;
  for (let i = 0; i < count; i++) {
    const at = table + i * entry;
    if (at + smallest > start.length) break;
    if (view.getUint32(at, little) !== PT_INTERP) continue;
    const [offset, size] = [word(at + (wide ? 8 : 4)), word(at + (wide ? 32 : 16))];
    return size > 1 && size <= LONGEST_INTERPRETER ? { ...elf, interpreter: { offset, size } } : elf;
  }
  return elf;
}

/** EM_* of elf.h, as people call the machines. */
const MACHINES: Readonly<Record<number, string>> = {
  2: 'sparc',
  3: '32-bit x86',
  8: 'mips',
  20: '32-bit powerpc',
  21: 'ppc64',
  22: 's390x',
  40: '32-bit arm',
  43: 'sparc64',
  50: 'ia64',
  62: 'x86_64',
  183: 'arm64',
  243: 'riscv64',
  247: 'bpf',
  258: 'loongarch64',
};

export const machineName = ({ machine, bits, bigEndian }: Elf): string => {
  if (machine === 62 && bits === 32) return 'x32';
  if (machine === 243 && bits === 32) return 'riscv32';
  if (machine === 21) return bigEndian ? 'ppc64' : 'ppc64le';
  return MACHINES[machine] ?? `machine ${machine}`;
};
