/** Makes hostile text harmless to read: names, arguments and messages come from images and from whoever made them. */

/** The most characters of a text that are shown at once. */
const LONGEST = 400;

/**
 * @returns the text in one line. Control characters have a visible form (`⟨ESC⟩[31m`), and so have those that would
 * reverse the direction of what follows or hide in it. What is longer than `longest` is cut, which the text then says.
 */
export function clean(text: string, longest = LONGEST): string {
  const cut =
    text.length > longest ? `${text.slice(0, longest)}… (${text.length.toLocaleString('en')} characters)` : text;
  return cut.replace(HIDDEN, visible);
}

/** C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/;
/** Marks and overrides of direction; joiners, separators, the byte order mark; no characters. */
const INVISIBLE = /[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]/;
const HALF_A_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const HIDDEN = new RegExp([CONTROLS, INVISIBLE, HALF_A_PAIR].map(({ source }) => source).join('|'), 'g');

/** Those that people know by name. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'NUL',
  7: 'BEL',
  8: 'BS',
  9: 'TAB',
  10: 'LF',
  13: 'CR',
  27: 'ESC',
  127: 'DEL',
};

function visible(letter: string): string {
  const code = letter.charCodeAt(0);
  return `⟨${NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}⟩`;
}
