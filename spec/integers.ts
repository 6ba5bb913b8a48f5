import * as z from 'zod';

/**
 * A 64-bit integer of a JSON document: a number where JavaScript can hold it exactly, else a bigint, as spec/json.ts
 * reads it. Make it a `BigInt(value)` before you calculate with it.
 */
export type Wide = number | bigint;

/** The bounds of the two 64-bit types, by the name the specification gives them. */
export const WIDE = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
} as const;

/**
 * The keyword for 64-bit types in the JSON Schema that build/validators.ts compiles. JSON Schema itself has no bigint.
 */
export const WIDE_KEYWORD = 'x-wide-integer';

/** Whether the value is an integer within the bounds of the given type. */
function isWide(type: keyof typeof WIDE, value: unknown): value is Wide {
  if (typeof value === 'bigint') return value >= WIDE[type].min && value <= WIDE[type].max;
  return Number.isSafeInteger(value) && (type === 'int64' || Number(value) >= 0);
}

function wide(type: keyof typeof WIDE) {
  const error = `must be ${type === 'int64' ? 'a' : 'an unsigned'} 64-bit integer`;
  return z.custom<Wide>((value) => isWide(type, value), { error }).meta({ [WIDE_KEYWORD]: type });
}

export const uint8 = z.int().min(0).max(255);
export const uint16 = z.int().min(0).max(65_535);
export const int32 = z.int().min(-2_147_483_648).max(2_147_483_647);
export const uint32 = z.int().min(0).max(4_294_967_295);
export const int64 = wide('int64');
export const uint64 = wide('uint64');
