/** Shows the chart: the containers in their states, the path of the chosen one, and what moves just now. */

import { drawChart } from '../chart/draw.ts';
import { frame, markers } from '../chart/file.ts';
import type { Box, Layout, PlacedWay } from '../chart/layout.ts';
import { marksOf } from '../chart/marks.ts';
import { cardIdOf } from '../chart/model.ts';
import { FILE_STYLE } from '../chart/style.ts';
import { draw } from '../chart/svg.ts';
import { leafOf, waysBetween } from '../chart/ways.ts';
import { elementOf } from './dom.ts';
import { Runners } from './runners.ts';

export interface Standing {
  readonly key: string;
  readonly name: string;
  readonly place: string;
}

export interface Shown {
  /** Every container that is there. */
  readonly standings: readonly Standing[];
  readonly chosen: Standing | undefined;
  /** The places that the chosen container came by. */
  readonly path: readonly string[];
  /** Those of them whose effects failed. */
  readonly broken: readonly string[];
}

export class ChartView {
  readonly #room: HTMLElement;
  readonly #onChoose: (key: string) => void;
  /** All ways, also those that are not drawn: a container may take them. */
  #all: Layout;
  #layout: Layout;
  #svg: SVGElement;
  #marks: SVGElement;
  #detours: SVGElement;
  #runners: Runners;
  #shown: Shown = { standings: [], chosen: undefined, path: [], broken: [] };
  #drawn = '';

  constructor(room: HTMLElement, layout: Layout, all: Layout, onChoose: (key: string) => void) {
    this.#room = room;
    // Where it is larger than its room, the keyboard can scroll it, too.
    room.tabIndex = 0;
    room.setAttribute('role', 'group');
    room.setAttribute('aria-label', 'The life of a container as a statechart');
    this.#onChoose = onChoose;
    this.#layout = layout;
    this.#all = all;
    this.#svg = elementOf(draw('svg'));
    this.#marks = this.#svg;
    this.#detours = this.#svg;
    this.#runners = new Runners(this.#svg);
    this.setLayout(layout, all);
  }

  /** @param all the same with all ways */
  setLayout(layout: Layout, all: Layout): void {
    this.#layout = layout;
    this.#all = all;
    this.#detours = elementOf(draw('g', { class: 'detours' }));
    this.#marks = elementOf(draw('g', { class: 'marks' }));
    const runners = elementOf(draw('g', { class: 'runners' }));
    this.#svg = elementOf(
      draw(
        'svg',
        { ...frame(layout), class: 'chart', role: 'img', 'aria-label': 'The life of a container as a statechart' },
        ...markers(),
        ...drawChart(layout),
      ),
    );
    this.#svg.append(this.#detours, this.#marks, runners);
    this.#runners = new Runners(runners);
    this.#room.replaceChildren(this.#svg);
    this.#drawn = '';
    this.show(this.#shown);
  }

  show(shown: Shown): void {
    this.#shown = shown;
    const key = JSON.stringify(shown);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#showPath();
    this.#showMarks();
    this.#reveal();
  }

  /** Shows that a container goes from one place to another. */
  run(key: string, from: string, to: string, chosen: boolean): void {
    const [start, end] = [leafOf(this.#layout, from), leafOf(this.#layout, to)];
    if (start === undefined || end === undefined || start === end) return;
    const ways = waysBetween(this.#all, start, end);
    const lines = ways.length === 0 ? [this.#detour(start, end)] : ways.map((way) => this.#lineOf(way));
    this.#runners.run(key, lines, chosen);
  }

  /** The chart as it is seen now, as the text of an SVG file. */
  toFile(): string {
    const copy = this.#svg.cloneNode(true);
    if (!(copy instanceof SVGElement)) throw new TypeError('a copy of the chart is no SVG');
    copy.querySelector('.runners')?.remove();
    // A key may hold what XML has no form for.
    for (const mark of copy.querySelectorAll('[data-key]')) mark.removeAttribute('data-key');
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    copy.prepend(elementOf(draw('style', {}, FILE_STYLE)));
    return new XMLSerializer().serializeToString(copy);
  }

  #showPath(): void {
    const { chosen, path, broken } = this.#shown;
    for (const element of this.#svg.querySelectorAll('.taken, .seen, .here, .broke'))
      element.classList.remove('taken', 'seen', 'here', 'bad', 'broke');
    for (const road of this.#svg.querySelectorAll('.way')) resetTip(road);
    this.#detours.replaceChildren();
    const leaves = path.flatMap((place) => leafOf(this.#layout, place) ?? []);
    for (const leaf of leaves) this.#mark(leaf, 'seen');
    for (const [index, leaf] of leaves.entries()) {
      const before = leaves[index - 1];
      if (before !== undefined && before !== leaf) this.#take(before, leaf);
    }
    for (const leaf of broken.flatMap((place) => leafOf(this.#layout, place) ?? []))
      this.#row(leaf)?.classList.add('broke');
    const here = chosen === undefined ? undefined : leafOf(this.#layout, chosen.place);
    if (here === undefined) return;
    this.#mark(here, 'here');
    if (here === 'failed') this.#mark(here, 'bad');
  }

  /** Where the chart is larger than its room, it is scrolled to where the chosen container is. */
  #reveal(): void {
    const here = this.#svg.querySelector('.here');
    if (here === null || this.#room.scrollHeight <= this.#room.clientHeight) return;
    const [inner, outer] = [here.getBoundingClientRect(), this.#room.getBoundingClientRect()];
    if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
    this.#room.scrollTop += inner.top - outer.top - outer.height / 2;
  }

  /** Marks a row and its card. */
  #mark(leaf: string, name: string): void {
    this.#row(leaf)?.classList.add(name);
    if (name !== 'here') this.#row(cardIdOf(leaf))?.classList.add(name);
  }

  #row(state: string): Element | null {
    return this.#svg.querySelector(`[data-state="${CSS.escape(state)}"]`);
  }

  #take(from: string, to: string): void {
    const ways = waysBetween(this.#all, from, to);
    if (ways.length === 0) this.#showDetour(from, to, 'done');
    for (const way of ways) {
      const drawn = this.#pathOf(way);
      if (drawn === undefined) this.#showDetour(way.from, leafOf(this.#layout, way.to) ?? way.to, way.cause);
      else {
        drawn.classList.add('taken');
        if (drawn.hasAttribute('marker-end')) drawn.setAttribute('marker-end', 'url(#tip-taken)');
      }
    }
  }

  #pathOf({ from, to, cause }: Pick<PlacedWay, 'from' | 'to' | 'cause'>): SVGPathElement | undefined {
    const name = CSS.escape(`${from} ${to} ${cause}`);
    const found = this.#svg.querySelector(`path[data-way="${name}"]`);
    return found instanceof SVGPathElement ? found : undefined;
  }

  #lineOf(way: PlacedWay): string {
    return this.#pathOf(way)?.getAttribute('d') ?? this.#detour(way.from, leafOf(this.#layout, way.to) ?? way.to);
  }

  #showDetour(from: string, to: string, cause: string): void {
    const d = this.#detour(from, to);
    this.#detours.append(
      elementOf(draw('path', { class: `way detour taken ${cause}`, d, 'marker-end': 'url(#tip-taken)' })),
    );
  }

  /** A curve from one state to another, for a way that is not drawn. */
  #detour(from: string, to: string): string {
    const [a, b] = [this.#boxOf(from), this.#boxOf(to)];
    if (a === undefined || b === undefined) return '';
    const rightwards = b.x >= a.x;
    const start = { x: rightwards ? a.x + a.width : a.x, y: a.y + a.height / 2 };
    const end = { x: rightwards ? b.x : b.x + b.width, y: b.y + b.height / 2 };
    const bend = Math.max(40, Math.abs(end.x - start.x) / 3) * (rightwards ? 1 : -1);
    return `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`;
  }

  #boxOf(state: string): Box | undefined {
    const card = this.#layout.cards.find(({ id }) => id === cardIdOf(state));
    return card?.rows.find(({ id }) => id === state) ?? card;
  }

  #showMarks(): void {
    const { standings, chosen } = this.#shown;
    const at = new Map<string, Standing[]>();
    for (const standing of standings) {
      const leaf = leafOf(this.#layout, standing.place);
      if (leaf === undefined) continue;
      const others = at.get(leaf);
      if (others === undefined) at.set(leaf, [standing]);
      else others.push(standing);
    }
    const here = chosen === undefined ? undefined : leafOf(this.#layout, chosen.place);
    const marks = [...at].flatMap(([leaf, all]) => {
      const box = this.#boxOf(leaf);
      return box === undefined ? [] : [marksOf(box, all, leaf === here)];
    });
    this.#marks.replaceChildren(...marks.map(elementOf));
    for (const mark of this.#marks.querySelectorAll('[data-key]'))
      mark.addEventListener('click', () => this.#onChoose(mark.getAttribute('data-key') ?? ''));
  }
}

/** A road that is no longer marked gets its own tip back. */
function resetTip(road: Element): void {
  if (road.getAttribute('marker-end') !== 'url(#tip-taken)') return;
  const cause = ['request', 'done', 'observed', 'failed'].find((name) => road.classList.contains(name));
  road.setAttribute('marker-end', `url(#tip-${cause})`);
}
