/**
 * A device policy as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE. On cgroup v2 the kernel asks it before a
 * process opens a device or makes a node. Pure. The instructions are those of the kernel's
 * Documentation/bpf/standardization/instruction-set.rst.
 */

import type { DevicePolicy } from './policy.ts';
import { ALL_ACCESS, ANY, type Match } from './rules.ts';

interface Instruction {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly immediate?: number;
}

/** Opcodes. All arithmetic and all comparisons are those of the lower 32 bits (comparisons since Linux 5.1). */
const BPF = {
  LOAD_WORD: 0x61,
  AND: 0x54,
  XOR: 0xa4,
  SHIFT_RIGHT: 0x74,
  MOVE: 0xb4,
  MOVE_REGISTER: 0xbc,
  JUMP_EQUAL: 0x16,
  JUMP_NOT_EQUAL: 0x56,
  EXIT: 0x95,
} as const;

const R = { ANSWER: 0, CONTEXT: 1, TYPE: 2, ACCESS: 3, MAJOR: 4, MINOR: 5 } as const;

/** struct bpf_cgroup_dev_ctx. The lower half of the first word is the type, and the upper half is the access. */
const CONTEXT = { ACCESS_TYPE: 0, MAJOR: 4, MINOR: 8 } as const;
const DEVICE_TYPE = { b: 1, c: 2 } as const;

const answer = (allowed: boolean): readonly Instruction[] => [
  { code: BPF.MOVE, dst: R.ANSWER, immediate: allowed ? 1 : 0 },
  { code: BPF.EXIT },
];

/** The program that answers as the policy does. */
export function deviceProgram({ defaultAllow, exceptions }: DevicePolicy): readonly Instruction[] {
  return [
    { code: BPF.LOAD_WORD, dst: R.TYPE, src: R.CONTEXT, offset: CONTEXT.ACCESS_TYPE },
    { code: BPF.MOVE_REGISTER, dst: R.ACCESS, src: R.TYPE },
    { code: BPF.AND, dst: R.TYPE, immediate: 0xffff },
    { code: BPF.SHIFT_RIGHT, dst: R.ACCESS, immediate: 16 },
    { code: BPF.LOAD_WORD, dst: R.MAJOR, src: R.CONTEXT, offset: CONTEXT.MAJOR },
    { code: BPF.LOAD_WORD, dst: R.MINOR, src: R.CONTEXT, offset: CONTEXT.MINOR },
    ...exceptions.flatMap((match) => exceptionBlock(match, !defaultAllow)),
    ...answer(defaultAllow),
  ];
}

/** Tests one exception. It answers if the exception applies, and otherwise jumps behind the block. */
function exceptionBlock({ type, major, minor, access }: Match, allowed: boolean): readonly Instruction[] {
  const block = [
    ...equalityTest(R.TYPE, DEVICE_TYPE[type]),
    ...accessTest(access, allowed),
    ...(major === ANY ? [] : equalityTest(R.MAJOR, major)),
    ...(minor === ANY ? [] : equalityTest(R.MINOR, minor)),
    ...answer(allowed),
  ];
  const isJump = ({ code }: Instruction): boolean => code === BPF.JUMP_EQUAL || code === BPF.JUMP_NOT_EQUAL;
  return block.map((one, i) => (isJump(one) ? { ...one, offset: block.length - i - 1 } : one));
}

/**
 * Copies a register, since all tests are made on a copy. If they compared the registers themselves, the verifier would
 * know the registers' values on one side of each jump, and would look at every combination of them. With 500 rules it
 * would give up after seconds (E2BIG).
 */
const scratch = (from: number): Instruction => ({ code: BPF.MOVE_REGISTER, dst: R.CONTEXT, src: from });

const equalityTest = (register: number, value: number): readonly Instruction[] => [
  scratch(register),
  { code: BPF.XOR, dst: R.CONTEXT, immediate: value },
  { code: BPF.JUMP_NOT_EQUAL, dst: R.CONTEXT, immediate: 0 },
];

/**
 * An exception that allows must cover the whole access that is asked for. One that denies applies to any part of it, as
 * on v1. (runc and crun test for the whole there too. With them a process that may not write to a device can open it
 * for reading and writing.)
 */
function accessTest(access: number, allowed: boolean): readonly Instruction[] {
  if (access === ALL_ACCESS) return [];
  return [
    scratch(R.ACCESS),
    { code: BPF.AND, dst: R.CONTEXT, immediate: allowed ? ALL_ACCESS & ~access : access },
    { code: allowed ? BPF.JUMP_NOT_EQUAL : BPF.JUMP_EQUAL, dst: R.CONTEXT, immediate: 0 },
  ];
}

/** The instructions in the form that the kernel reads: struct bpf_insn, eight bytes each. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, dst = 0, src = 0, offset = 0, immediate = 0 }, i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, dst | (src << 4));
    view.setInt16(i * 8 + 2, offset, true);
    view.setUint32(i * 8 + 4, immediate >>> 0, true);
  });
  return bytes;
}
