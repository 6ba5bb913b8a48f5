/** Classic BPF instructions, and programs of them as bytes. */

import { BPF, BPF_MAXINSNS, SOCK_FILTER_BYTES } from '../../native/constants/seccomp.ts';
import { viewOf } from '../../native/kernel/struct.ts';

/** struct sock_filter. Jumps are counted from the next instruction. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Loads 32 bits of struct seccomp_data. @param offset in bytes */
export const load = (offset: number): Instruction => ({ code: BPF.LD_W_ABS, jt: 0, jf: 0, k: offset });
/** Skips `jt` instructions where the comparison `code` of the loaded value with `k` holds, else `jf`. */
export const jump = (code: number, k: number, jt: number, jf: number): Instruction => ({ code, jt, jf, k });
/** Skips any number of instructions. */
export const skip = (count: number): Instruction => ({ code: BPF.JMP_JA, jt: 0, jf: 0, k: count });
/** Ends the program with this action: one of SECCOMP_RET. */
export const answer = (action: number): Instruction => ({ code: BPF.RET_K, jt: 0, jf: 0, k: action });

/** @returns sock_filter[] */
export function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * SOCK_FILTER_BYTES);
  const view = viewOf(bytes);
  instructions.forEach(({ code, jt, jf, k }, i) => {
    const at = i * SOCK_FILTER_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k >>> 0, true);
  });
  return bytes;
}

/**
 * Puts one program before another.
 * @param first goes on to the end where it does not answer
 * @throws Error where the kernel would not take the whole, since it is too long
 */
export function prepend(first: Uint8Array, program: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + program.length);
  joined.set(first);
  joined.set(program, first.length);
  const count = joined.length / SOCK_FILTER_BYTES;
  if (count > BPF_MAXINSNS)
    throw new Error(`linux.seccomp: the filter has ${count} instructions, the kernel takes ${BPF_MAXINSNS}`);
  return joined;
}
