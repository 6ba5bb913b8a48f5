/** Small ELF files, for programs that cannot be executed. */

const HEADER = 64;
const PROGRAM_HEADER = 56;
const MACHINES = { x64: 62, arm64: 183 } as const;

export const OWN_MACHINE = process.arch === 'arm64' ? MACHINES.arm64 : MACHINES.x64;
export const OTHER_MACHINE = process.arch === 'arm64' ? MACHINES.x64 : MACHINES.arm64;

/**
 * A 64-bit program without any code.
 * @param interpreter of PT_INTERP
 */
export function elf(machine: number, interpreter?: string): Buffer {
  const name = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  const file = Buffer.alloc(HEADER + PROGRAM_HEADER + name.length);
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(HEADER), 32); // e_phoff
  file.writeUInt16LE(HEADER, 52);
  file.writeUInt16LE(PROGRAM_HEADER, 54);
  file.writeUInt16LE(interpreter === undefined ? 0 : 1, 56);
  file.writeUInt32LE(3, HEADER); // PT_INTERP
  file.writeBigUInt64LE(BigInt(HEADER + PROGRAM_HEADER), HEADER + 8);
  file.writeBigUInt64LE(BigInt(name.length), HEADER + 32);
  name.copy(file, HEADER + PROGRAM_HEADER);
  return file;
}
