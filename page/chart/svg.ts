/** A drawing as data. It becomes text (for a file) or elements (for a page). */

export interface Drawing {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Drawing | string)[];
}

export function draw(
  tag: string,
  attributes: Drawing['attributes'] = {},
  ...children: readonly (Drawing | string)[]
): Drawing {
  return { tag, attributes, children };
}

/** SVG as text. Everything in it that could be markup is escaped. */
export function textOf(drawing: Drawing): string {
  const { tag, attributes, children } = drawing;
  const listed = Object.entries(attributes).map(
    ([name, value]) => ` ${name}="${escaped(shown(value)).replaceAll('"', '&quot;')}"`,
  );
  const open = `<${tag}${listed.join('')}`;
  if (children.length === 0) return `${open}/>`;
  const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : textOf(child)));
  return `${open}>${inner.join('')}</${tag}>`;
}

export const shown = (value: string | number): string =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : value;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

// XML has no form at all for most control characters.
const escaped = (text: string): string =>
  text
    .replace(/[&<>]/g, (letter) => ENTITIES[letter] ?? letter)
    .replace(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
