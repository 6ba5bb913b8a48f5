/**
 * Lays the arguments of calls out in memory whose address is known: the engine's own for the local kernel,
 * the init's for the remote one. Both share the layout, so that a call is encoded in one way only.
 */

import type { Arg, Call, Memory, Out } from './kernel.ts';

const encoder = new TextEncoder();

/** Rounds up to the alignment that every kernel structure is content with. */
export const align8 = (size: number): number => (size + 7) & ~7;

export class Arena {
  readonly bytes: Uint8Array;
  readonly base: number;
  cursor = 0;
  readonly #view: DataView;
  readonly #outs = new Map<Out, number>();

  /** @param base the address of `bytes[0]` in the memory of whoever performs the calls */
  constructor(bytes: Uint8Array, base: number) {
    this.bytes = bytes;
    this.base = base;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  reset(cursor: number): void {
    this.cursor = cursor;
    this.#outs.clear();
  }

  put32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** A 64-bit value, two's complement. */
  put64(offset: number, value: number | bigint): void {
    if (typeof value === 'bigint') this.#view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else {
      this.#view.setInt32(offset, value | 0, true);
      this.#view.setInt32(offset + 4, Math.floor(value / 0x1_0000_0000) | 0, true);
    }
  }

  get64(offset: number): number {
    return this.#view.getInt32(offset + 4, true) * 0x1_0000_0000 + this.#view.getUint32(offset, true);
  }

  /** Says where the kernel will find the memory that it writes to. */
  reserve(out: Out, offset: number): void {
    this.#outs.set(out, offset);
  }

  outs(): Iterable<[Out, number]> {
    return this.#outs;
  }

  /** Writes what an argument points to and returns its address. */
  place(memory: Memory): number {
    if (typeof memory === 'string') return this.#placeString(memory);
    if (memory instanceof Uint8Array) return this.#placeBytes(memory);
    if (memory.kind === 'out') {
      const offset = this.#outs.get(memory);
      if (offset === undefined) throw new TypeError('an out buffer was not reserved before it was used');
      return this.base + offset;
    }
    const targets = memory.pointers.map(({ target }) => this.place(target));
    const address = this.#placeBytes(memory.bytes);
    memory.pointers.forEach(({ offset }, i) => {
      this.put64(address - this.base + offset, targets[i] ?? 0);
    });
    return address;
  }

  #placeString(text: string): number {
    if (text.includes('\0')) throw new TypeError('a string passed to the kernel holds a NUL byte');
    const start = this.cursor;
    const { written } = encoder.encodeInto(text, this.bytes.subarray(start));
    this.bytes[start + written] = 0;
    this.cursor = start + written + 1;
    return this.base + start;
  }

  #placeBytes(bytes: Uint8Array): number {
    const start = align8(this.cursor);
    this.bytes.set(bytes, start);
    this.cursor = start + bytes.length;
    return this.base + start;
  }
}

/** What a batch needs, found before it is laid out: bytes of input data at the most, and its out buffers. */
export interface Extent {
  readonly dataBytes: number;
  readonly outs: readonly Out[];
  readonly outBytes: number;
}

/** Measures a batch, so that its arena is large enough. */
export function measure(calls: readonly Call[]): Extent {
  const outs = new Set<Out>();
  let dataBytes = 0;
  const visit = (arg: Arg): void => {
    if (typeof arg === 'string') dataBytes += arg.length * 3 + 1;
    else if (arg instanceof Uint8Array) dataBytes += arg.length + 8;
    else if (typeof arg === 'object' && arg !== null) {
      if (arg.kind === 'out') outs.add(arg);
      else if (arg.kind === 'struct') {
        dataBytes += arg.bytes.length + 8;
        for (const { target } of arg.pointers) visit(target);
      }
    }
  };
  for (const call of calls) call.args.forEach(visit);
  let outBytes = 0;
  for (const out of outs) outBytes += align8(out.bytes.length);
  return { dataBytes, outs: [...outs], outBytes };
}
