import { SpecError } from './problem.ts';

// A number of 64 bits has at most 20 digits. The schema refuses longer ones, and BigInt is slow for very long ones.
const INTEGER = /^-?\d{1,20}$/;

/**
 * Matches every text with a null or an integer beyond 2^53 (and some others). The rest is parsed in a tenth of the
 * time, since no function has to look at every value.
 */
const NEEDS_CARE = /(?:^|[:,[])\s*null\b|\d{16}/;

/** How deep objects and arrays may be nested, as in runc (Go). Recursion into such a value fits the stack. */
export const MAX_DEPTH = 10_000;

/** TC39's "JSON.parse source text access": Node 21 and later, Bun. */
type Context = { readonly source?: string };

/**
 * The value of a JSON text. Integers that a number can't hold exactly become bigints: seccomp masks and limits go up to
 * 18446744073709551615. Members that are null are left out, since runc (Go) takes them as absent.
 * @throws {SpecError} where the text is not JSON, is nested too deep, or is null
 */
export function parseJson(text: string, document: string, maxDepth?: number): unknown {
  const value = parse(text, document, maxDepth, NEEDS_CARE.test(text) ? revive : undefined);
  if (value === undefined) throw new SpecError(document, { path: [], reason: 'must be an object, not null' });
  return value;
}

/**
 * The same, but faster: nulls stay, and integers beyond 2^53 are not exact. Whoever uses it refuses both, and then
 * reads the text again.
 * @throws {SpecError} where the text is not JSON, or is nested too deep
 */
export function parseJsonQuickly(text: string, document: string, maxDepth?: number): unknown {
  return parse(text, document, maxDepth);
}

function parse(text: string, document: string, maxDepth = MAX_DEPTH, reviver?: typeof revive): unknown {
  if (mayBeDeep(text, maxDepth) && isDeeper(text, maxDepth))
    throw new SpecError(document, { path: [], reason: `nested too deep: exceeded max depth ${maxDepth}` });
  try {
    return JSON.parse(text, reviver);
  } catch (cause) {
    // The engine's message quotes the text with its line breaks.
    const message = (cause instanceof Error ? cause.message : String(cause)).replace(/[\s\p{Cc}]+/gu, ' ');
    throw new SpecError(document, { path: [], reason: `not valid JSON: ${message}` }, { cause });
  }
}

/** Whether the text has enough brackets to be so deep. Hardly any has. Every text is asked, so it must cost little. */
const mayBeDeep = (text: string, maxDepth: number): boolean =>
  text.length > maxDepth && ['{', '['].some((open) => text.split(open, maxDepth / 2 + 2).length > maxDepth / 2);

/** By character codes: twice as fast as by characters. */
function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 34: // "
        at = endOfString(text, at);
        break;
      case 91: // [
      case 123: // {
        if (++depth > maxDepth) return true;
        break;
      case 93: // ]
      case 125: // }
        depth--;
    }
  }
  return false;
}

/** @returns where its closing quote is */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at;
  }
}

function revive(this: unknown, _key: string, value: unknown, context?: Context): unknown {
  if (value === null) return Array.isArray(this) ? null : undefined;
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return INTEGER.test(source) ? BigInt(source) : value;
}
