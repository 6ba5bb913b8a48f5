/** Kernel structures as bytes. */

import type { Memory, Out, ResultRef, Struct } from './kernel.ts';

/** The result of call number `index` of the same batch. */
export const result = (index: number): ResultRef => ({ kind: 'result', index });

/** Room for `size` bytes that the kernel fills. */
export const out = (size: number): Out => ({ kind: 'out', bytes: new Uint8Array(size) });

/** Consecutive 64-bit fields: what open_how, clone_args, mount_attr, rlimit64, iovec are. */
export function u64s(...values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setBigUint64(i * 8, BigInt.asUintN(64, BigInt(value)), true);
  });
  return bytes;
}

/** Consecutive 32-bit fields: gid lists, capability sets, bpf and netlink headers. */
export function u32s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(i * 4, value >>> 0, true);
  });
  return bytes;
}

/** Pointers and values side by side, eight bytes each: an iovec, a msghdr, an argv with its final null. */
export function words(...fields: readonly (number | Memory | null)[]): Struct {
  const bytes = new Uint8Array(fields.length * 8);
  const view = new DataView(bytes.buffer);
  const pointers: { offset: number; target: Memory }[] = [];
  fields.forEach((field, i) => {
    if (typeof field === 'number') view.setBigInt64(i * 8, BigInt(field), true);
    else if (field !== null) pointers.push({ offset: i * 8, target: field });
  });
  return { kind: 'struct', bytes, pointers };
}

/** A null-terminated array of strings: argv, envp. */
export const stringArray = (strings: readonly string[]): Struct => words(...strings, null);

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
