/**
 * Reads the lifecycle machine as what the page draws: a card for each top-level state, a row in it for each state
 * inside, tracks between the rows of a card, and roads between cards. Pure.
 */

/** The members of an XState machine that are read here. */
export interface Chart {
  readonly root: ChartNode;
}

export interface ChartNode {
  readonly key: string;
  readonly path: readonly string[];
  readonly type: string;
  readonly states: Readonly<Record<string, ChartNode>>;
  readonly transitions: ReadonlyMap<string, readonly ChartTransition[]>;
  readonly always?: readonly ChartTransition[];
  readonly invoke: readonly { readonly src: unknown }[];
  readonly entry: readonly unknown[];
  /** Only compound states have one. */
  readonly initial: ChartTransition;
}

export interface ChartTransition {
  readonly target: readonly ChartNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

/**
 * Why a transition is taken: somebody asked for it, the effect of the state succeeded, it failed, or the kernel showed
 * that it happened by itself.
 */
export type Cause = 'request' | 'done' | 'failed' | 'observed';

export interface Row {
  /** `creating.mounts` */
  readonly id: string;
  readonly title: string;
  /** What it performs: `makeMounts`. */
  readonly effect?: string;
}

export interface Card {
  /** `creating` */
  readonly id: string;
  readonly kind: 'initial' | 'final' | 'state';
  readonly effect?: string;
  /** Empty where the state has none inside. */
  readonly rows: readonly Row[];
  /** The row that a way to the card leads to. */
  readonly first?: string;
}

/** A transition as it is drawn. Those between the same two ends for the same cause are one. */
export interface Way {
  /** Row, or card. */
  readonly from: string;
  readonly to: string;
  readonly cause: Cause;
  /** What leads that way: `pause`. Empty where an effect's end does. */
  readonly labels: readonly string[];
}

export interface Model {
  readonly cards: readonly Card[];
  /** Between two rows of a card. */
  readonly tracks: readonly Way[];
  /** Between two cards. */
  readonly roads: readonly Way[];
}

/** Every way of the chart. */
export function modelOf({ root }: Chart): Model {
  const cards = Object.values(root.states).map((node) => cardOf(node, root.initial.target?.[0] === node));
  const ways = Object.values(root.states)
    .flatMap((node) => [node, ...Object.values(node.states)])
    .flatMap(waysFrom);
  const inside = ({ from, to }: Way) => cardIdOf(from) === cardIdOf(to);
  const roads = merged(
    lifted(
      cards,
      ways.filter((way) => !inside(way)),
    ),
  );
  return {
    cards,
    tracks: withoutDoubles(merged(ways.filter(inside))),
    roads: withoutDoubles(roads),
  };
}

/**
 * The model with the ways that tell the story: what one asks for, what follows from it, and how a creation is undone.
 * After other failures the kernel is asked what became of the container. Those ways lead from nearly everywhere to
 * nearly everywhere.
 */
export function mainWays(model: Model): Model {
  const isMain = ({ from, to, cause }: Way) => {
    if (cause === 'failed') return to === 'unwinding';
    if (cause === 'observed') return to === 'stopped';
    if (from === 'observing') return to === 'stopped' || to === 'running';
    return !(cardIdOf(from) === 'paused' && to === 'checkpointing');
  };
  return { ...model, roads: model.roads.filter(isMain) };
}

/** The card that a row is on: `creating` of `creating.mounts`. */
export const cardIdOf = (id: string): string => id.split('.', 1)[0] ?? id;

function cardOf(node: ChartNode, initial: boolean): Card {
  const kind = initial ? 'initial' : node.type === 'final' ? 'final' : 'state';
  const rows = Object.values(node.states).map(rowOf);
  const first = rows.length === 0 ? undefined : node.initial.target?.[0];
  return { id: node.key, kind, ...effectOf(node), rows, ...(first === undefined ? {} : { first: idOf(first) }) };
}

const rowOf = (node: ChartNode): Row => ({ id: idOf(node), title: node.key, ...effectOf(node) });

const idOf = (node: ChartNode): string => node.path.join('.');

function effectOf({ invoke: [first] }: ChartNode): { effect?: string } {
  return first === undefined ? {} : { effect: String(first.src) };
}

function waysFrom(node: ChartNode): Way[] {
  const way = (cause: Cause, label: string, { target }: ChartTransition): Way => ({
    from: idOf(node),
    to: idOf(target?.[0] ?? node),
    cause,
    labels: label === '' ? [] : [label],
  });
  const ways = [
    ...(node.always ?? []).map((transition) => way('done', '', transition)),
    ...[...node.transitions].flatMap(([event, transitions]) => {
      const cause = causeOf(event);
      return transitions.map((transition) => way(cause, cause === 'request' ? event : '', transition));
    }),
  ];
  // A transition that leads back to its state permits a request, and changes nothing that could be drawn.
  return ways.filter(({ from, to }) => from !== to && !from.startsWith(`${to}.`));
}

export function causeOf(event: string): Cause {
  if (event === 'observed') return 'observed';
  if (event === 'unsaved' || event.startsWith('xstate.error.')) return 'failed';
  return event === 'saved' || event.startsWith('xstate.done.') ? 'done' : 'request';
}

/** How many rows of a card lead the same way before it is drawn once, from the card. */
const MANY = 3;

/** Whichever phase of a creation fails, it is undone: that is one road, not eight. */
function lifted(cards: readonly Card[], ways: readonly Way[]): Way[] {
  const same = (way: Way) => `${cardIdOf(way.from)} ${cardIdOf(way.to)} ${way.cause}`;
  const counts = Map.groupBy(ways, same);
  const isRow = (id: string) => cards.some(({ rows }) => rows.some((row) => row.id === id));
  return ways.map((way) => {
    const alike = counts.get(same(way)) ?? [];
    const froms = new Set(alike.map(({ from }) => from));
    const isLifted = way.cause === 'failed' && (froms.size >= MANY || froms.has(cardIdOf(way.from)));
    return isLifted && isRow(way.from) ? { ...way, from: cardIdOf(way.from) } : way;
  });
}

function merged(ways: readonly Way[]): Way[] {
  const groups = Map.groupBy(ways, ({ from, to, cause }) => `${from} ${to} ${cause}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, labels: [...new Set(group.flatMap(({ labels }) => labels))] }];
  });
}

const WEIGHTS: Readonly<Record<Cause, number>> = { request: 0, done: 1, observed: 2, failed: 3 };

/** What may also happen by itself, or where a failure leads as well, needs no second way. */
function withoutDoubles(ways: readonly Way[]): Way[] {
  const between = ({ from, to }: Way) => `${from} ${to}`;
  const alike = Map.groupBy(ways, between);
  return ways.filter((way) => {
    const best = Math.min(...(alike.get(between(way)) ?? []).map(({ cause }) => WEIGHTS[cause]));
    return WEIGHTS[way.cause] < WEIGHTS.observed || WEIGHTS[way.cause] === best;
  });
}
