/** How an argument is shown: as JSON data, which a readable line can be made of. */

/** A word that is no string of the caller: a constant's name, a mask, a comment. It is shown without quotes. */
export class Word {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toJSON(): string {
    return this.text;
  }
}

export type Shown = number | string | null | Word | readonly Shown[] | ShownFields;
export interface ShownFields {
  readonly [field: string]: Shown;
}

/** One line, as strace writes it: `{flags=O_PATH, resolve=RESOLVE_IN_ROOT}`, `["sh", "-c"]`, `NULL`. */
export function render(shown: Shown): string {
  if (shown === null) return 'NULL';
  if (shown instanceof Word) return shown.text;
  if (typeof shown === 'number') return String(shown);
  if (typeof shown === 'string') return JSON.stringify(shown);
  if (isList(shown)) return `[${shown.map(render).join(', ')}]`;
  const fields = Object.entries(shown).map(([field, value]) => `${field}=${render(value)}`);
  return `{${fields.join(', ')}}`;
}

const isList = (shown: readonly Shown[] | ShownFields): shown is readonly Shown[] => Array.isArray(shown);

export const hex = (value: number | bigint): Word => new Word(`0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`);
export const octal = (value: number | bigint): Word => new Word(value < 0 ? String(value) : `0${value.toString(8)}`);

/** A 64-bit value: a number where JSON can hold it, else in hexadecimal. */
export const integer = (value: number | bigint): Shown =>
  typeof value === 'number' || (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : hex(value);

/** As many as strace shows: one recognizes the data, but it neither fills the screen nor tells a file's content. */
const PREVIEW_BYTES = 32;

/** The beginning of a file or a message: as text, or in hexadecimal where it is no text. */
export function preview(bytes: Uint8Array, limit = PREVIEW_BYTES): Shown {
  const start = bytes.subarray(0, limit);
  const cut = bytes.length > limit;
  const text = new TextDecoder().decode(start, { stream: cut });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what makes data binary is what is looked for
  if (/[\x00-\x08\x0e-\x1f\x7f\ufffd]/.test(text)) {
    const digits = Array.from(start, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return new Word(`0x${digits}${cut ? '…' : ''}`);
  }
  return cut ? `${text}…` : text;
}
