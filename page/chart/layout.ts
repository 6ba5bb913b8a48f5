/**
 * Lays the chart out, with ELK's layered algorithm. It runs when the page is built, and the page gets the result: so it
 * draws at once, and ELK's megabyte stays with the build.
 */

import type { ELK, ElkExtendedEdge, ElkNode, ElkPort } from 'elkjs/lib/elk-api.js';
import { type Card, type Cause, cardIdOf, type Model, type Way } from './model.ts';
import { widthOf } from './text-width.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface PlacedRow extends Box {
  readonly id: string;
  readonly title: string;
  readonly effect?: string;
}

export interface PlacedCard extends Box {
  readonly id: string;
  readonly kind: Card['kind'];
  readonly effect?: string;
  readonly rows: readonly PlacedRow[];
  readonly first?: string;
}

export interface PlacedWay {
  readonly from: string;
  readonly to: string;
  readonly cause: Cause;
  readonly labels: readonly string[];
  readonly points: readonly Point[];
}

/** The chart with a place for everything, in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cards: readonly PlacedCard[];
  readonly tracks: readonly PlacedWay[];
  readonly roads: readonly PlacedWay[];
}

/** Of the same chart: for a wide window and a narrow one, with the main ways and with all of them. */
export interface Layouts {
  readonly wide: { readonly main: Layout; readonly all: Layout };
  readonly narrow: { readonly main: Layout; readonly all: Layout };
}

export type Direction = 'RIGHT' | 'DOWN';

export const HEADER = 34;
export const ROW = 24;
/** Where the tracks of a card run, from its left side. */
export const GUTTER = 26;
const PADDING = 8;
/** For the marks of containers at the right end of a row. */
const MARKS = 36;
const DOT = 22;
/** Between two columns. */
const GAP = 34;
/** How far below a row's other ways one begins that the kernel shows. */
const ASIDE = 6;

/** In which column of the chart a state stands. If ELK decided that, the ways of failures would have a say in it. */
const COLUMNS: Readonly<Record<string, number>> = {
  absent: 0,
  creating: 1,
  restoring: 1,
  created: 2,
  unwinding: 2,
  starting: 3,
  failed: 3,
  running: 4,
  paused: 5,
  checkpointing: 5,
  observing: 6,
  stopped: 7,
  deleting: 8,
  deleted: 9,
};

/** @param gap between two columns, at least */
export async function layoutOf(elk: ELK, model: Model, direction: Direction, gap = GAP): Promise<Layout> {
  const graph = await elk.layout(graphOf(model, direction, gap));
  const placed = new Map(graph.children?.map((node) => [node.id, node]));
  const cards = model.cards.map((card) => placedCard(card, placed.get(card.id)));
  return {
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    cards,
    tracks: model.tracks.map((track) => placedTrack(track, cards)),
    roads: model.roads.map((road, index) => placedRoad(road, graph.edges?.[index])),
  };
}

const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.partitioning.activate': 'true',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '9',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '9',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.nodePlacement.favorStraightEdges': 'true',
  'elk.layered.thoroughness': '40',
  'elk.randomSeed': '1',
};

function graphOf({ cards, roads }: Model, direction: Direction, gap: number): ElkNode {
  const portsOf = (card: Card): ElkPort[] =>
    roads.flatMap((way) => [
      ...(cardIdOf(way.from) === card.id ? [portOf(way, 'from', card, direction)] : []),
      ...(cardIdOf(way.to) === card.id ? [portOf(way, 'to', card, direction)] : []),
    ]);
  return {
    id: 'chart',
    layoutOptions: {
      ...LAYERED,
      'elk.direction': direction,
      'elk.layered.spacing.nodeNodeBetweenLayers': String(gap),
    },
    children: cards.map((card) => ({
      id: card.id,
      ...sizeOf(card),
      layoutOptions: {
        'elk.partitioning.partition': String(columnOf(card.id)),
        'elk.portConstraints': direction === 'RIGHT' ? 'FIXED_POS' : 'FIXED_SIDE',
      },
      ports: unique(portsOf(card)),
    })),
    edges: roads.map((road, index) => edgeOf(road, String(index), direction)),
  };
}

type End = 'from' | 'to';

const columnOf = (id: string): number => COLUMNS[cardIdOf(id)] ?? 0;

const leadsBack = ({ from, to }: Way): boolean => columnOf(from) > columnOf(to);

function sideOf(way: Way, end: End, direction: Direction): 'EAST' | 'WEST' | 'SOUTH' | 'NORTH' {
  const isLast = (end === 'from') !== leadsBack(way);
  if (direction === 'RIGHT') return isLast ? 'EAST' : 'WEST';
  return isLast ? 'SOUTH' : 'NORTH';
}

/** Roads that end at the same place share a port: ELK draws them as one where they meet. */
function portIdOf(way: Way, end: End, direction: Direction): string {
  const kind = end === 'from' && way.cause === 'observed' ? ' observed' : '';
  return `${way[end]} ${sideOf(way, end, direction)} ${end}${kind}`;
}

function portOf(way: Way, end: End, card: Card, direction: Direction): ElkPort {
  const side = sideOf(way, end, direction);
  const place = { x: side === 'EAST' ? sizeOf(card).width : 0, y: anchorOf(card, way, end) };
  return {
    id: portIdOf(way, end, direction),
    width: 0,
    height: 0,
    ...(direction === 'RIGHT' ? place : {}),
    layoutOptions: { 'elk.port.side': side },
  };
}

const unique = (ports: readonly ElkPort[]): ElkPort[] => [...new Map(ports.map((port) => [port.id, port])).values()];

/** Requests and what follows from them shall be straight; a failure may take a detour. */
const STRAIGHTNESS: Readonly<Record<Cause, string>> = { request: '20', done: '20', observed: '2', failed: '1' };

const edgeOf = (road: Way, id: string, direction: Direction): ElkExtendedEdge => ({
  id,
  sources: [portIdOf(road, 'from', direction)],
  targets: [portIdOf(road, 'to', direction)],
  layoutOptions: {
    'elk.layered.priority.straightness': STRAIGHTNESS[road.cause],
    'elk.layered.priority.shortness': STRAIGHTNESS[road.cause],
  },
});

function sizeOf(card: Card): { width: number; height: number } {
  if (card.kind === 'initial') return { width: DOT, height: DOT };
  const title = widthOf(card.id, 15.5, 'bold') + 2 * 14;
  const own = widthOf(card.effect ?? '', 12, 'plain') + 2 * 14;
  const rows = card.rows.map(({ title }) => GUTTER + widthOf(title, 14, 'plain') + MARKS);
  const width = Math.ceil(Math.max(96, title, own, ...rows));
  if (card.rows.length === 0) return { width, height: card.effect === undefined ? 40 : 52 };
  return { width, height: HEADER + card.rows.length * ROW + PADDING };
}

/** How far below the top of its card a road ends. */
function anchorOf(card: Card, way: Way, end: End): number {
  const aside = end === 'from' && way.cause === 'observed' ? ASIDE : 0;
  const row = card.rows.findIndex(({ id }) => id === way[end]);
  if (row >= 0) return HEADER + (row + 0.5) * ROW + aside;
  if (card.rows.length > 0) return HEADER / 2 + aside;
  const middle = sizeOf(card).height / 2;
  // There is no other place for what leads back than below what leads ahead.
  if (card.effect === undefined) return middle + aside;
  return leadsBack(way) ? middle + 2 * ASIDE : middle - ASIDE + aside;
}

function placedCard(card: Card, node: ElkNode | undefined): PlacedCard {
  const { x = 0, y = 0 } = node ?? {};
  const size = sizeOf(card);
  const rows = card.rows.map((row, index) => ({
    ...row,
    x,
    y: y + HEADER + index * ROW,
    width: size.width,
    height: ROW,
  }));
  return { ...card, x, y, ...size, rows };
}

/** A track runs along the left side of its card: straight to the next row, else in a bow. */
function placedTrack({ from, to, cause, labels }: Way, cards: readonly PlacedCard[]): PlacedWay {
  const rows = cards.flatMap((card) => card.rows);
  const middle = (id: string): Point => {
    const row = rows.find((one) => one.id === id);
    return { x: (row?.x ?? 0) + GUTTER / 2, y: (row?.y ?? 0) + ROW / 2 };
  };
  return { from, to, cause, labels, points: [middle(from), middle(to)] };
}

function placedRoad({ from, to, cause, labels }: Way, edge: ElkExtendedEdge | undefined): PlacedWay {
  const [section] = edge?.sections ?? [];
  const points =
    section === undefined
      ? []
      : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(({ x, y }) => ({ x, y }));
  return { from, to, cause, labels, points };
}
