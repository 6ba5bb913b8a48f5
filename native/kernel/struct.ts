/** Kernel structures as bytes. */

import type { Memory, Out, ResultRef, Struct } from './kernel.ts';

/** The result of call number `index` of the same batch. */
export const result = <Result extends number>(index: number): ResultRef<Result> => ({ kind: 'result', index });

/** Room for `size` bytes that the kernel fills. */
export const out = (size: number): Out => ({ kind: 'out', bytes: new Uint8Array(size) });

/** Consecutive 64-bit fields, as in open_how, clone_args, mount_attr, rlimit64. */
export function u64s(...values: readonly (number | bigint)[]): Uint8Array {
  // Little-endian, as both architectures are.
  const halves = new Uint32Array(values.length * 2);
  for (let i = 0; i < values.length; i++) put64(halves, i, values[i] ?? 0);
  return new Uint8Array(halves.buffer);
}

/** Writes two's complement. Without a JIT a BigInt costs ten times as much as two halves. */
function put64(halves: Uint32Array, index: number, value: number | bigint): void {
  if (typeof value === 'number') {
    halves[index * 2] = value;
    halves[index * 2 + 1] = Math.floor(value / 0x1_0000_0000);
  } else {
    halves[index * 2] = Number(BigInt.asUintN(32, value));
    halves[index * 2 + 1] = Number(BigInt.asUintN(32, value >> 32n));
  }
}

/** Consecutive 32-bit fields, as in lists of gids and capability sets. */
export function u32s(...values: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

/** Pointers and values side by side, eight bytes each, as in iovec, msghdr, or an argv with its final null. */
export function words(...fields: readonly (number | Memory | null)[]): Struct {
  const halves = new Uint32Array(fields.length * 2);
  const pointers: { offset: number; target: Memory }[] = [];
  fields.forEach((field, i) => {
    if (typeof field === 'number') put64(halves, i, field);
    else if (field !== null) pointers.push({ offset: i * 8, target: field });
  });
  return { kind: 'struct', bytes: new Uint8Array(halves.buffer), pointers };
}

/** A null-terminated array of strings: argv, envp. */
export const stringArray = (strings: readonly (string | Uint8Array)[]): Struct => words(...strings, null);

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
