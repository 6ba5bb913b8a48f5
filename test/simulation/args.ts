/** The arguments of a call, read as the kernel reads registers and the memory that they point to. */

import type { Memory, Struct } from '../../native/kernel/kernel.ts';
import type { SeenArg } from '../../native/performers/recording.ts';
import { fail } from './failure.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Args {
  readonly #args: readonly SeenArg[];
  /** For a clone: the descriptor on which the new process serves. */
  readonly childServes: number | undefined;

  constructor(args: readonly SeenArg[], childServes: number | undefined) {
    this.#args = args;
    this.childServes = childServes;
  }

  /** An argument as a number. Memory is 1: an address that is not zero. */
  num(i: number): number {
    const arg = this.#args[i] ?? 0;
    if (typeof arg === 'number') return arg;
    return typeof arg === 'bigint' ? Number(arg) : 1;
  }

  isNull(i: number): boolean {
    const arg = this.#args[i] ?? null;
    return arg === null || arg === 0;
  }

  str(i: number): string {
    return textOf(this.#args[i] ?? null);
  }

  /** A string, or undefined for the null pointer. */
  optionalStr(i: number): string | undefined {
    return this.isNull(i) ? undefined : this.str(i);
  }

  bytes(i: number): Uint8Array {
    return bytesOf(this.#args[i] ?? null);
  }

  view(i: number, atLeast: number): DataView {
    const bytes = this.bytes(i);
    if (bytes.length < atLeast) fail('EFAULT');
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  struct(i: number): Struct {
    const arg = this.#args[i] ?? null;
    if (typeof arg !== 'object' || arg === null || arg instanceof Uint8Array || arg.kind !== 'struct') fail('EFAULT');
    return arg;
  }

  /** What the pointer at an offset of a structure points to. Undefined where there is none. */
  pointee(i: number, offset: number): Memory | undefined {
    const arg = this.#args[i] ?? null;
    const isStruct = typeof arg === 'object' && arg !== null && !(arg instanceof Uint8Array) && arg.kind === 'struct';
    return isStruct ? pointee(arg, offset) : undefined;
  }

  pointeeBytes(i: number, offset: number): Uint8Array {
    return bytesOf(this.pointee(i, offset) ?? null);
  }

  /** A null-terminated array of strings. */
  strings(i: number): readonly string[] {
    return this.isNull(i) ? [] : this.struct(i).pointers.map(({ target }) => textOf(target));
  }

  /** Writes as much to memory as fits. @returns how many bytes that was */
  fill(i: number, data: Uint8Array | string, limit = Number.POSITIVE_INFINITY): number {
    return fill(this.bytes(i), typeof data === 'string' ? encoder.encode(data) : data, limit);
  }
}

export function fill(into: Uint8Array, data: Uint8Array, limit = Number.POSITIVE_INFINITY): number {
  const size = Math.min(into.length, data.length, limit);
  into.set(data.subarray(0, size));
  return size;
}

export const pointee = (struct: Struct, offset: number): Memory | undefined =>
  struct.pointers.find((pointer) => pointer.offset === offset)?.target;

export function bytesOf(arg: SeenArg): Uint8Array {
  if (typeof arg === 'string') return encoder.encode(`${arg}\0`);
  if (arg instanceof Uint8Array) return arg;
  if (typeof arg !== 'object' || arg === null) fail('EFAULT');
  return arg.bytes;
}

function textOf(arg: SeenArg): string {
  if (typeof arg === 'string') return arg;
  const bytes = bytesOf(arg);
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
