/**
 * Finds where a text stops being JSON. Engines say that it does, but only some say where. It is asked for once a text
 * has been refused. Pure.
 */

interface Place {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

/** @returns undefined where the text is JSON */
export function placeOfJsonError(text: string): Place | undefined {
  const at = firstWrong(text);
  if (at === undefined) return undefined;
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/** The offset of the first character that cannot be there: the text's length where it ends too early. */
function firstWrong(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  for (let at = skipSpace(text, 0); ; at = skipSpace(text, at)) {
    const character = text[at];
    if (character === undefined) return expected === ', or end' && open.length === 0 ? undefined : at;
    const inside = open.at(-1);
    const closes = (character === '}' && inside === '{') || (character === ']' && inside === '[');
    if (closes && (expected === ', or end' || expected === 'key or }' || expected === 'value or ]')) {
      open.pop();
      expected = ', or end';
      at++;
    } else if (expected === ', or end') {
      if (character !== ',' || inside === undefined) return at;
      expected = inside === '{' ? 'key' : 'value';
      at++;
    } else if (expected === ':') {
      if (character !== ':') return at;
      expected = 'value';
      at++;
    } else if (expected === 'key' || expected === 'key or }') {
      const end = endOfString(text, at);
      if (end < 0) return -end - 1;
      expected = ':';
      at = end;
    } else if (character === '{' || character === '[') {
      open.push(character);
      expected = character === '{' ? 'key or }' : 'value or ]';
      at++;
    } else {
      const end = endOfScalar(text, at);
      if (end < 0) return -end - 1;
      expected = ', or end';
      at = end;
    }
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  return at;
}

/** @returns where it ends; or -(offset + 1) of what is wrong */
function endOfScalar(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start);
  const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
  scalar.lastIndex = start;
  return scalar.test(text) ? scalar.lastIndex : -start - 1;
}

/** @returns where it ends; or -(offset + 1) of what is wrong */
function endOfString(text: string, start: number): number {
  if (text[start] !== '"') return -start - 1;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return -at - 1;
    if (code !== 0x5c) continue;
    const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
    escaped.lastIndex = at;
    if (!escaped.test(text)) return -at - 1;
    at = escaped.lastIndex - 1;
  }
  return -text.length - 1;
}
