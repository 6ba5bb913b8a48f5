/** Words as mdoc(7) takes them. Pure. */

/**
 * Running text: nothing in it is a request or an escape; what is in backquotes is printed bold. Each sentence gets a
 * line, as mdoc(7) asks for.
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

/** An argument of a macro: one word, and no macro. */
export const word = (words: string): string => `"${escaped(words).replaceAll('"', '\\(dq')}"`;

/** A minus stays one: it is for the reader to copy. So do a quote and a caret. */
const escaped = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
