/** The list of containers. Only the rows in sight are elements, so that some thousand containers are no burden. */

import type { Summary } from '../../spec/watch/messages.ts';
import { clean } from '../clean.ts';
import { keyOf } from '../lives.ts';
import { ago } from '../time.ts';
import { make } from './dom.ts';
import { badge, lookOf } from './status.ts';

/** As page.css has it. */
const ROW = 54;
/** Rows above and below those in sight. */
const SPARE = 4;

export interface Listed {
  readonly summary: Summary;
  /** Since when it is in its state, in seconds since the epoch. */
  readonly since: number | undefined;
}

export class ListView {
  readonly #list: HTMLElement;
  readonly #space: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #onChoose: (key: string) => void;
  #items: readonly Listed[] = [];
  #chosen: string | undefined;
  #manyRoots = false;
  #now = 0;

  constructor(room: HTMLElement, label: string, onChoose: (key: string) => void) {
    this.#onChoose = onChoose;
    this.#space = make('div', { class: 'space', role: 'presentation' });
    this.#list = make('div', { class: 'list', role: 'listbox', tabindex: 0, 'aria-labelledby': label }, this.#space);
    this.#empty = make('p', { class: 'empty' });
    room.replaceChildren(this.#list, this.#empty);
    this.#list.addEventListener('scroll', () => this.#draw());
    this.#list.addEventListener('keydown', (event) => this.#press(event));
    this.#list.addEventListener('click', (event) => this.#click(event));
    new ResizeObserver(() => this.#draw()).observe(this.#list);
  }

  /** @param now seconds since the epoch, as the server counts them */
  show(items: readonly Listed[], chosen: string | undefined, now: number, empty: string): void {
    const moved = chosen !== this.#chosen;
    this.#items = items;
    this.#chosen = chosen;
    this.#now = now;
    this.#manyRoots = new Set(items.map(({ summary }) => summary.root)).size > 1;
    this.#empty.textContent = items.length === 0 ? empty : '';
    this.#list.hidden = items.length === 0;
    this.#space.style.setProperty('height', `${items.length * ROW}px`);
    if (moved) this.#reveal();
    this.#draw();
  }

  scrollToTop(): void {
    this.#list.scrollTop = 0;
  }

  focus(): void {
    this.#list.focus();
  }

  #draw(): void {
    const first = Math.max(0, Math.floor(this.#list.scrollTop / ROW) - SPARE);
    const last = Math.min(
      this.#items.length,
      Math.ceil((this.#list.scrollTop + this.#list.clientHeight) / ROW) + SPARE,
    );
    const rows = this.#items.slice(first, last).map((item, offset) => this.#row(item, first + offset));
    this.#space.replaceChildren(...rows);
    const chosen = this.#items.findIndex(({ summary }) => keyOf(summary.root, summary.id) === this.#chosen);
    if (chosen >= first && chosen < last) this.#list.setAttribute('aria-activedescendant', `row-${chosen}`);
    else this.#list.removeAttribute('aria-activedescendant');
  }

  #row({ summary, since }: Listed, index: number): HTMLElement {
    const { id, root, pid, engine, last } = summary;
    const look = lookOf(summary);
    const key = keyOf(root, id);
    const facts = [
      ...(pid === undefined || summary.status === null || pid === 0 ? [] : [`pid ${pid}`]),
      ...(engine === undefined ? [] : [clean(engine, 40)]),
      ...(this.#manyRoots ? [clean(root, 60)] : []),
      ...(last === undefined
        ? []
        : [`${clean(last.command, 40)}${last.exit === undefined || last.exit === 0 ? '' : ` → ${last.exit}`}`]),
    ];
    const row = make(
      'div',
      {
        id: `row-${index}`,
        class: `item ${look}${last?.exit ? ' bad' : ''}`,
        role: 'option',
        'aria-selected': key === this.#chosen ? 'true' : 'false',
        'aria-setsize': this.#items.length,
        'aria-posinset': index + 1,
        'data-index': index,
      },
      make('span', { class: 'id' }, clean(id, 200)),
      badge(look),
      make('span', { class: 'facts' }, facts.join(' · ')),
      make('span', { class: 'since' }, since === undefined ? '' : ago(this.#now - since)),
    );
    row.style.setProperty('top', `${index * ROW}px`);
    return row;
  }

  #click(event: MouseEvent): void {
    const row = event.target instanceof Element ? event.target.closest('[data-index]') : null;
    if (row !== null) this.#choose(Number(row.getAttribute('data-index')));
  }

  #press(event: KeyboardEvent): void {
    const at = this.#items.findIndex(({ summary }) => keyOf(summary.root, summary.id) === this.#chosen);
    const page = Math.max(1, Math.floor(this.#list.clientHeight / ROW) - 1);
    const end = this.#items.length - 1;
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: end,
    };
    const target = targets[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#choose(Math.min(end, Math.max(0, target)));
  }

  #choose(index: number): void {
    const summary = this.#items[index]?.summary;
    if (summary !== undefined) this.#onChoose(keyOf(summary.root, summary.id));
  }

  #reveal(): void {
    const at = this.#items.findIndex(({ summary }) => keyOf(summary.root, summary.id) === this.#chosen);
    if (at < 0) return;
    const { scrollTop, clientHeight } = this.#list;
    if (at * ROW < scrollTop) this.#list.scrollTop = at * ROW;
    else if ((at + 1) * ROW > scrollTop + clientHeight) this.#list.scrollTop = (at + 1) * ROW - clientHeight;
  }
}
