/** Makes elements. Text is always set as text: nothing that is shown can become markup. */

import { type Drawing, shown } from '../chart/svg.ts';

type Properties = Readonly<Record<string, string | number | boolean | undefined>>;

/** @param properties attributes; `false` and `undefined` leave one out */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function elementOf({ tag, attributes, children }: Drawing): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, shown(value));
  element.append(...children.map((child) => (typeof child === 'string' ? child : elementOf(child))));
  return element;
}

/** An element of index.html. @throws TypeError where it is not there: page and script do not belong together */
export function byId<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`the page has no ${id}`);
  return element;
}
