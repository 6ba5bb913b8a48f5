/** Draws the chart as Mermaid text, from the machine itself. docs/lifecycle.md shows the result. Pure. */

import type { Chart, ChartNode, ChartTransition } from '../page/chart/model.ts';

interface Edge {
  readonly from: ChartNode;
  readonly to: ChartNode;
  readonly label: string;
  /** Whether it is taken without an event from outside. */
  readonly byItself: boolean;
}

/** Draws the top level: what leads from one state to another, and the requests after which a state stays. */
export function overview({ root }: Chart): string {
  const edges = below(root)
    .filter((node) => node !== root)
    .flatMap((node) => edgesFrom(node, node.path.length > 1))
    .map((edge) => ({ ...edge, from: at(root, edge.from), to: at(root, edge.to) }))
    // Inside one state, only the requests are of interest.
    .filter(({ from, to, byItself }) => from !== to || !byItself);
  return render(Object.values(root.states), root, edges);
}

/** Draws the inside of one top-level state, and where it leads. @throws RangeError if there is no such state */
export function inside({ root }: Chart, key: string): string {
  const parent = root.states[key];
  if (parent === undefined) throw new RangeError(`the chart has no state ${key}`);
  return render(
    Object.values(parent.states),
    parent,
    Object.values(parent.states).flatMap((node) => edgesFrom(node, false)),
  );
}

function render(nodes: readonly ChartNode[], parent: ChartNode, edges: readonly Edge[]): string {
  const initial = parent.initial.target?.[0];
  const lines = nodes.flatMap((node) => {
    const performed = [...node.entry.filter(isSave).map(() => SAVE), ...node.invoke.map(({ src }) => String(src))];
    return performed.length === 0 ? [] : [`${name(node)} : ${node.key} (${performed.join(', ')})`];
  });
  if (initial !== undefined) lines.push(`[*] --> ${name(initial)}`);
  for (const [way, labels] of Map.groupBy(edges, ({ from, to }) => `${name(from)} --> ${name(to)}`))
    lines.push(`${way} : ${[...new Set(labels.map(({ label }) => label))].join(', ')}`);
  for (const node of nodes) if (node.type === 'final') lines.push(`${name(node)} --> [*]`);
  return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`)].join('\n');
}

/** @param named whether to name the effect that was performed, because the diagram does not show the state that does */
function edgesFrom(node: ChartNode, named: boolean): Edge[] {
  const effect = named ? node.invoke.map(({ src }) => `${String(src)} `).join('') : '';
  const edge = (event: string, { target, guard, actions }: ChartTransition, byItself: boolean): Edge => {
    const label = [event, guardWording(guard)].filter(Boolean).join(' ') || 'else';
    const saved = actions.some(isSave) ? ` / ${SAVE}` : '';
    return { from: node, to: target?.[0] ?? node, label: `${label}${saved}`, byItself };
  };
  const edges = [
    ...(node.always ?? []).map((transition) => edge('', transition, true)),
    ...[...node.transitions].flatMap(([event, transitions]) => {
      if (event.startsWith('xstate.done.')) return transitions.map((t) => edge(`${effect}done`, t, true));
      if (event.startsWith('xstate.error.')) return transitions.map((t) => edge('failed', t, true));
      return transitions.map((transition) => edge(event, transition, false));
    }),
  ];
  // A transition that leads back to its state permits a request, and changes nothing that could be drawn.
  return edges.filter(({ to }) => to !== node && !isWithin(node, to));
}

const SAVE = 'save';

const isSave = (action: unknown): boolean => typeOf(action) === SAVE;

const typeOf = (reference: unknown): unknown =>
  typeof reference === 'object' && reference !== null && 'type' in reference ? reference.type : reference;

function guardWording(guard: unknown): string {
  if (guard === undefined) return '';
  const type = typeOf(guard);
  // The target of the arrow says what this guard asks.
  if (type === 'isNow') return '';
  const params = typeof guard === 'object' && guard !== null && 'params' in guard ? guard.params : undefined;
  const values = typeof params === 'object' && params !== null ? Object.values(params) : [];
  return `[${[type, ...values].map(String).join(' ')}]`;
}

const isWithin = (node: ChartNode, outer: ChartNode): boolean =>
  node.path.length > outer.path.length && outer.path.every((key, depth) => node.path[depth] === key);

function below(node: ChartNode): ChartNode[] {
  return [node, ...Object.values(node.states).flatMap(below)];
}

/** The top-level state that a node belongs to. */
function at(root: ChartNode, node: ChartNode): ChartNode {
  return root.states[node.path[0] ?? ''] ?? root;
}

/** Mermaid does not allow dots in names. */
const name = (node: ChartNode): string => node.path.join('_');
