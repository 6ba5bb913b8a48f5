/**
 * Lays an executable out so that the kernel can map it by huge pages. A start of the engine touches some 270 places of
 * its code and constants, and otherwise each of them is a page fault of 3 µs (docs/performance.md).
 *
 * The kernel maps 2 MB of a file at once on two conditions. The page cache must hold these 2 MB as one folio: that
 * depends on the file system (ext4 since Linux 6.16, XFS, btrfs, tmpfs) and on who reads the file into memory. The
 * launcher does, all of it at once (native/launcher/page-cache.h). And a segment's address must agree with its place in
 * the file modulo 2 MB: that takes some padding between segments, which is added here. ELF: man 5 elf.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** The size of a huge page, on x86-64 and on arm64 with pages of 4 kB. */
export const HUGE_PAGE = 2 * 1024 * 1024;

const PT_LOAD = 1;
const SHT_NULL = 0;

/** A segment that is loaded, and how far it moves in the file. */
interface Move {
  readonly from: number;
  readonly size: number;
  readonly by: number;
}

/**
 * Writes an executable in the new layout, and drops it from the page cache. Pages that were written lie in folios as
 * small as memory had them just then, and stay so until they are read anew.
 */
export function alignFile(source: string, target: string): void {
  writeFileSync(target, alignSegments(readFileSync(source)), { mode: 0o755, flush: true });
  execFileSync('dd', [`if=${target}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/**
 * @param elf a 64-bit little-endian executable as linkers make it, with its segments in the order of their addresses
 * @returns the same executable with each segment where its address wants it; longer by less than 2 MB for each segment
 * @throws if it is no such file
 */
export function alignSegments(elf: Buffer): Buffer {
  if (elf.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error('not a 64-bit little-endian ELF file');
  const segments = table(elf, 0x20, 0x36);
  const moves: Move[] = [];
  for (const at of segments.filter((header) => elf.readUInt32LE(header) === PT_LOAD)) {
    const from = word(elf, at + 8);
    const before = moves.at(-1)?.by ?? 0;
    moves.push({ from, size: word(elf, at + 32), by: before + modulo(word(elf, at + 16) - from - before) });
  }
  const last = moves.at(-1);
  if (last === undefined || moves[0]?.by !== 0) throw new Error('an executable whose first segment does not begin it');

  const moved = (offset: number): number => offset + (moves.findLast(({ from }) => offset >= from) ?? last).by;
  const aligned = Buffer.alloc(elf.length + last.by);
  for (const { from, size, by } of moves) elf.copy(aligned, from + by, from, from + size);
  // This part is not loaded: the names and headers of sections.
  elf.copy(aligned, last.from + last.size + last.by, last.from + last.size);

  for (const at of segments) put(aligned, at + 8, moved(word(elf, at + 8)));
  put(aligned, 0x28, moved(word(elf, 0x28)));
  for (const at of table(elf, 0x28, 0x3a))
    if (elf.readUInt32LE(at + 4) !== SHT_NULL) put(aligned, moved(at) + 24, moved(word(elf, at + 24)));
  return aligned;
}

/**
 * Finds the offsets of the entries of a table.
 * @param offset where the ELF header tells the place of the table
 * @param shape where it tells the size of an entry, and then the number of entries
 */
function table(elf: Buffer, offset: number, shape: number): number[] {
  const size = elf.readUInt16LE(shape);
  return Array.from({ length: elf.readUInt16LE(shape + 2) }, (_, index) => word(elf, offset) + index * size);
}

const word = (elf: Buffer, at: number): number => Number(elf.readBigUInt64LE(at));
const put = (elf: Buffer, at: number, value: number): void => void elf.writeBigUInt64LE(BigInt(value), at);
const modulo = (value: number): number => ((value % HUGE_PAGE) + HUGE_PAGE) % HUGE_PAGE;
