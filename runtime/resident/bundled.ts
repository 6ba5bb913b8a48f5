/**
 * Where the bundled scripts and their bytecode lie in memory. The linker puts them into a section of the executable
 * among the variables, though nobody ever writes to them. ELF: man 5 elf.
 */

import { openat, pread } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

/** A part of the address space. */
export interface Area {
  readonly from: number;
  readonly size: number;
}

const HEADER_BYTES = 64;
/** Addresses in an executable of this type are those in memory. */
const ET_EXEC = 2;
/** Far more than linkers write. */
const MOST_SECTIONS = 1024;
const LONGEST_NAMES = 64 * 1024;

/** @returns the bytes of a section of a 64-bit executable; undefined where there is none. @throws SyscallError */
export function sectionOf(kernel: Kernel, program: string, name: string): Area | undefined {
  using file = opened(kernel, openat(AT.FDCWD, program, O.RDONLY));
  const bytes = (offset: number, size: number): Uint8Array => {
    const into = out(size);
    return into.bytes.subarray(0, call(kernel, pread(file.fd, into, offset)));
  };
  const header = bytes(0, HEADER_BYTES);
  if (header.length < HEADER_BYTES || viewOf(header).getUint16(0x10, true) !== ET_EXEC) return undefined;
  const [entry, count, named] = [0x3a, 0x3c, 0x3e].map((at) => viewOf(header).getUint16(at, true));
  if (entry !== HEADER_BYTES || count === undefined || count > MOST_SECTIONS || named === undefined) return undefined;
  const table = viewOf(bytes(word(viewOf(header), 0x28), entry * count));
  if (table.byteLength < entry * count || named >= count) return undefined;
  const places = (index: number): Area => ({
    from: word(table, index * entry + 0x18),
    size: word(table, index * entry + 0x20),
  });
  const names = places(named);
  const text = Buffer.from(bytes(names.from, Math.min(names.size, LONGEST_NAMES))).toString('latin1');
  for (let index = 1; index < count; index++) {
    const start = table.getUint32(index * entry, true);
    if (text.slice(start, text.indexOf('\0', start)) === name)
      return { from: word(table, index * entry + 0x10), size: places(index).size };
  }
  return undefined;
}

const word = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));
