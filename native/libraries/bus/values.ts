/** Values of D-Bus messages, with their types (D-Bus specification, "Type system"). */

export type BusInteger = 'y' | 'n' | 'q' | 'i' | 'u' | 'x' | 't';

export type BusValue =
  | { readonly type: 's' | 'o' | 'g'; readonly value: string }
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 'd'; readonly value: number }
  | { readonly type: BusInteger; readonly value: number | bigint }
  /** An array. `of` is the signature of its elements, which an empty array could not tell. */
  | { readonly type: 'a'; readonly of: string; readonly items: readonly BusValue[] }
  | { readonly type: 'r'; readonly fields: readonly BusValue[] }
  | { readonly type: 'v'; readonly value: BusValue };

/** The signature of a value: `a(sv)`. */
export function signatureOf(value: BusValue): string {
  if (value.type === 'a') return `a${value.of}`;
  if (value.type === 'r') return `(${value.fields.map(signatureOf).join('')})`;
  return value.type;
}

/** How many bytes integers have, and whether they are signed. */
const INTEGERS: Readonly<Record<BusInteger, { readonly bytes: number; readonly signed: boolean }>> = {
  y: { bytes: 1, signed: false },
  n: { bytes: 2, signed: true },
  q: { bytes: 2, signed: false },
  i: { bytes: 4, signed: true },
  u: { bytes: 4, signed: false },
  x: { bytes: 8, signed: true },
  t: { bytes: 8, signed: false },
};

export const isInteger = (type: string): type is BusInteger => Object.hasOwn(INTEGERS, type);

/** A value of fixed size as eight bytes of memory, little-endian. Only the first ones count. */
export function toBytes(value: Extract<BusValue, { value: number | bigint | boolean }>): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (value.type === 'b') view.setInt32(0, value.value ? 1 : 0, true);
  else if (value.type === 'd') view.setFloat64(0, value.value, true);
  else view.setBigUint64(0, BigInt.asUintN(64, BigInt(value.value)), true);
  return bytes;
}

/** The value that memory holds: a number, or a bigint where it has 64 bits. */
export function fromBytes(type: BusInteger | 'b' | 'd', bytes: Uint8Array): number | bigint | boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'b') return view.getInt32(0, true) !== 0;
  if (type === 'd') return view.getFloat64(0, true);
  const { bytes: size, signed } = INTEGERS[type];
  const word = view.getBigUint64(0, true);
  const value = signed ? BigInt.asIntN(size * 8, word) : BigInt.asUintN(size * 8, word);
  return size === 8 ? value : Number(value);
}
