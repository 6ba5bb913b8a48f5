/**
 * Copies what the arguments of a batch point to into memory whose address is known.
 * This is the hottest code of a command that makes a container, and it runs without a JIT: there a loop over a string
 * costs 45 ns a character, and a function of the engine 60 to 100 ns a call.
 */

import type { Memory, Out } from '../kernel/kernel.ts';

const encoder = new TextEncoder();

/**
 * The result of an earlier call, for the argument of a later one.
 * @param results of the calls of the batch that have been performed
 * @throws TypeError where the call at `index` has not been performed yet: the batch is wrong
 */
export function earlierResult(results: readonly number[], index: number): number {
  const result = results[index];
  if (result === undefined) throw new TypeError(`a call refers to result ${index}, which is not there yet`);
  return result;
}

/** Rounds up to 8 bytes, which suffices to align every kernel structure. */
export const align8 = (size: number): number => (size + 7) & ~7;

/** Splits a value into the two 32-bit halves of its two's complement. */
const lowHalf = (value: number): number => value | 0;
const highHalf = (value: number): number => Math.floor(value / 0x1_0000_0000) | 0;

export class Arena {
  /** The address of `bytes[0]` in the process that performs the calls. */
  readonly base: number;
  bytes: Uint8Array;
  /** The same memory as 32-bit words. They are little-endian, as both architectures are. */
  words: Int32Array;
  cursor = 0;
  readonly #placeOut: (out: Out) => number;
  readonly #grow: ((bytes: Uint8Array) => Uint8Array) | undefined;

  /**
   * @param placeOut tells the address of memory that the kernel writes to
   * @param grow copies the arena to a larger one when it is full. Absent where its address would change
   */
  constructor(
    bytes: Uint8Array,
    base: number,
    placeOut: (out: Out) => number,
    grow?: (bytes: Uint8Array) => Uint8Array,
  ) {
    this.base = base;
    this.bytes = bytes;
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#placeOut = placeOut;
    this.#grow = grow;
  }

  /** Makes sure that `size` bytes fit at the cursor. @throws RangeError where they do not, and the arena cannot grow */
  reserve(size: number): void {
    while (this.cursor + size > this.bytes.length) {
      if (this.#grow === undefined) throw new RangeError(`a batch of ${this.cursor + size} bytes is too large`);
      this.bytes = this.#grow(this.bytes);
      this.words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >> 2);
    }
  }

  put64(offset: number, value: number | bigint): void {
    const at = offset >> 2;
    if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) {
      this.words[at] = value;
      this.words[at + 1] = 0;
    } else if (typeof value === 'number') {
      this.words[at] = lowHalf(value);
      this.words[at + 1] = highHalf(value);
    } else {
      this.words[at] = Number(BigInt.asIntN(32, value));
      this.words[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
    }
  }

  /** Writes what an argument points to and returns its address. */
  place(memory: Memory): number {
    if (typeof memory === 'string') return this.#placeString(memory);
    if (memory instanceof Uint8Array) return this.#placeBytes(memory);
    if (memory.kind === 'out') return this.#placeOut(memory);
    const { bytes, pointers } = memory;
    const address = this.#placeBytes(bytes);
    for (const { offset, target } of pointers) this.put64(address - this.base + offset, this.place(target));
    return address;
  }

  #placeString(text: string): number {
    const start = this.cursor;
    this.reserve(text.length * 3 + 1);
    if (text.includes('\0')) throw new TypeError('a string passed to the kernel holds a NUL byte');
    const end = start + encoder.encodeInto(text, this.bytes.subarray(start)).written;
    this.bytes[end] = 0;
    this.cursor = end + 1;
    return this.base + start;
  }

  #placeBytes(bytes: Uint8Array): number {
    const start = align8(this.cursor);
    this.reserve(bytes.length + 8);
    this.bytes.set(bytes, start);
    this.cursor = start + bytes.length;
    return this.base + start;
  }
}
