/** Escapes words for mdoc(7). Pure. */

/**
 * Running text. No word becomes a request or an escape, and what is in backquotes is printed bold. Each sentence gets a
 * line of its own, as mdoc(7) asks.
 */
export const text = (words: string): string =>
  words
    .split(/(?<=\.) (?=[^a-z])/)
    .map(line)
    .join('\n');

function line(words: string): string {
  const [first = '', ...rest] = escaped(words).split('`');
  const whole = [first, ...rest.map((part, i) => (i % 2 === 0 ? `\\fB${part}` : `\\fP${part}`))].join('');
  return /^[.']/.test(whole) ? `\\&${whole}` : whole;
}

/** One argument of a macro. It is a single word, and no macro itself. */
export const word = (words: string): string => `"${escaped(words).replaceAll('"', '\\(dq')}"`;

/** A minus, a quote and a caret are kept as they are, so that readers can copy them. */
const escaped = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
