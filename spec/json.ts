import { SpecError } from './problem.ts';

// 64 bits have 20 digits at most: a longer number is refused by the schema anyway, and BigInt is slow on very long ones.
const INTEGER = /^-?\d{1,20}$/;

/**
 * What only a text has that holds a null or an integer beyond 2^53. Others are parsed in a tenth of the time, without asking
 * a function about every value.
 */
const NEEDS_CARE = /(?:^|[:,[])\s*null\b|\d{16}/;

/** TC39's "JSON.parse source text access": Node 21 and later, Bun. */
type Context = { readonly source?: string };

/**
 * The value of a JSON text. Integers that a number can't hold exactly become bigints: seccomp masks and limits
 * go up to 18446744073709551615. Members that are null are left out, as they are absent for runc (Go).
 * @throws {SpecError} where the text is not JSON, or null
 */
export function parseJson(text: string, document: string): unknown {
  const value = parse(text, document, NEEDS_CARE.test(text) ? revive : undefined);
  if (value === undefined) throw new SpecError(document, { path: [], reason: 'must be an object, not null' });
  return value;
}

/**
 * The same without that care, and faster: for who refuses null and unsafe integers, and then reads again.
 * @throws {SpecError} where the text is not JSON
 */
export function parseJsonQuickly(text: string, document: string): unknown {
  return parse(text, document);
}

function parse(text: string, document: string, reviver?: typeof revive): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch (cause) {
    // Engines quote the text, line breaks included.
    const message = (cause instanceof Error ? cause.message : String(cause)).replace(/[\s\p{Cc}]+/gu, ' ');
    throw new SpecError(document, { path: [], reason: `not valid JSON: ${message}` }, { cause });
  }
}

function revive(this: unknown, _key: string, value: unknown, context?: Context): unknown {
  if (value === null) return Array.isArray(this) ? null : undefined;
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return INTEGER.test(source) ? BigInt(source) : value;
}
