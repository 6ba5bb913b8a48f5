/** Draws the chart from its layout. The page, an exported file and README's picture are made by this. Pure. */

import {
  GUTTER,
  HEADER,
  type Layout,
  type PlacedCard,
  type PlacedRow,
  type PlacedWay,
  type Point,
  ROW,
} from './layout.ts';
import { cardIdOf } from './model.ts';
import { type Drawing, draw } from './svg.ts';
import { widthOf } from './text-width.ts';

/** How round the corners of a road are. */
const RADIUS = 7;

/** The chart's ways, then its cards: what is drawn later lies above. */
export function drawChart({ cards, tracks, roads }: Layout): Drawing[] {
  const faint = (way: PlacedWay) => way.cause === 'failed' || way.cause === 'observed';
  return [
    draw('g', { class: 'roads' }, ...[...roads].sort((a, b) => Number(faint(b)) - Number(faint(a))).map(drawRoad)),
    draw('g', { class: 'cards' }, ...cards.map(drawCard)),
    draw('g', { class: 'tracks' }, ...tracks.map(drawTrack)),
    draw('g', { class: 'labels' }, ...roads.flatMap((road) => drawLabel(road, cards))),
  ];
}

/** The name of a way in the drawing: `data-way`. */
export const nameOf = ({ from, to, cause }: Pick<PlacedWay, 'from' | 'to' | 'cause'>): string =>
  `${from} ${to} ${cause}`;

function drawCard(card: PlacedCard): Drawing {
  const { x, y, width, height, id, kind, rows, effect } = card;
  const attributes = { class: `card ${kind}`, 'data-state': id };
  if (kind === 'initial') {
    const radius = height / 2;
    return draw(
      'g',
      attributes,
      draw('circle', { cx: x + radius, cy: y + radius, r: radius - 3 }),
      draw('text', { class: 'effect', x: x + radius, y: y - 6, 'text-anchor': 'middle' }, id),
    );
  }
  const box = draw('rect', { class: 'box', x, y, width, height, rx: 9 });
  const frame =
    kind === 'final'
      ? [draw('rect', { class: 'inner', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 6 })]
      : [];
  if (rows.length === 0) {
    const middle = y + height / 2;
    const texts = [
      draw('text', { class: 'title', x: x + 14, y: middle + (effect === undefined ? 5 : -2) }, id),
      ...(effect === undefined ? [] : [draw('text', { class: 'effect', x: x + 14, y: middle + 14 }, effect)]),
    ];
    return draw('g', attributes, box, ...frame, ...texts);
  }
  return draw(
    'g',
    attributes,
    box,
    draw('text', { class: 'title', x: x + 14, y: y + HEADER / 2 + 6 }, id),
    ...rows.map(drawRow),
  );
}

function drawRow({ id, title, x, y, width, height, effect }: PlacedRow): Drawing {
  return draw(
    'g',
    { class: 'row', 'data-state': id },
    draw('rect', { class: 'lit', x: x + 5, y: y + 1, width: width - 10, height: height - 2, rx: 5 }),
    draw('text', { class: 'name', x: x + GUTTER, y: y + height / 2 + 4.5 }, title),
    draw('circle', { class: 'stop', cx: x + GUTTER / 2, cy: y + height / 2, r: 2.5 }),
    ...(effect === undefined ? [] : [draw('title', {}, `${id} performs ${effect}`)]),
  );
}

function drawTrack(track: PlacedWay): Drawing {
  const [from, to] = track.points;
  const d = from === undefined || to === undefined ? '' : bow(from, to);
  return draw('path', { class: `way track ${track.cause}`, 'data-way': nameOf(track), d });
}

/** Straight to the next row; in a bow to the left over others. */
function bow(from: Point, to: Point): string {
  const rows = (to.y - from.y) / ROW;
  if (rows === 1) return `M${from.x} ${from.y + 3}V${to.y - 3}`;
  const depth = Math.min(8, 3 + Math.abs(rows) * 1.2);
  const x = from.x - depth;
  const r = Math.min(5, depth) * Math.sign(rows);
  return `M${from.x - 2} ${from.y}Q${x} ${from.y} ${x} ${from.y + r}V${to.y - r}Q${x} ${to.y} ${to.x - 2} ${to.y}`;
}

function drawRoad(road: PlacedWay): Drawing {
  return draw('path', {
    class: `way road ${road.cause}`,
    'data-way': nameOf(road),
    d: rounded(road.points),
    'marker-end': `url(#tip-${road.cause})`,
  });
}

/** A request stands before the tip of its road, above it; where there is no room, above the card that it leads to. */
function drawLabel(road: PlacedWay, cards: readonly PlacedCard[]): Drawing[] {
  const end = road.points.at(-1);
  const before = road.points.at(-2);
  const card = cards.find(({ id }) => id === cardIdOf(road.to));
  if (road.labels.length === 0 || end === undefined || before === undefined || card === undefined) return [];
  const text = road.labels.join(', ');
  const width = widthOf(text, 12.5, 'mono');
  const comesFromRight = before.y === end.y && before.x > end.x;
  const isTaken = (right: number) =>
    cards.some(
      ({ x, y, width: w, height: h }) => x < right && x + w > right - width - 4 && y < end.y && y + h > end.y - 16,
    );
  const place = comesFromRight
    ? { x: end.x + 10, y: end.y - 5, 'text-anchor': 'start' }
    : isTaken(end.x - 10)
      ? { x: card.x + 2, y: card.y - 7, 'text-anchor': 'start' }
      : { x: end.x - 10, y: end.y - 5, 'text-anchor': 'end' };
  return [draw('text', { class: `label ${road.cause}`, 'data-way': nameOf(road), ...place }, text)];
}

/** A line along the points, with its corners rounded. */
export function rounded(points: readonly Point[]): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  let d = `M${first.x} ${first.y}`;
  let last = first;
  for (const [index, corner] of others.entries()) {
    const next = others[index + 1];
    if (next === undefined) d += `L${corner.x} ${corner.y}`;
    else {
      const before = towards(corner, last, RADIUS);
      const after = towards(corner, next, RADIUS);
      d += `L${before.x} ${before.y}Q${corner.x} ${corner.y} ${after.x} ${after.y}`;
    }
    last = corner;
  }
  return d;
}

function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length === 0) return from;
  const part = Math.min(distance, length / 2) / length;
  return { x: round(from.x + (to.x - from.x) * part), y: round(from.y + (to.y - from.y) * part) };
}

const round = (value: number): number => Math.round(value * 100) / 100;
