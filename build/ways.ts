/** Which states of the chart lead to which others, and by what, when only some states are looked at. Pure. */

import type { Chart } from './diagram.ts';

type Node = Chart['root'];

export interface Way {
  readonly from: string;
  /** A request, what the kernel tells, or how the state's own effects end: `done` or `failed`. */
  readonly by: string;
  /** The same as `from` where the state stays. */
  readonly to: string;
}

/**
 * @param shown top-level states; what lies between two of them counts as a part of the way
 * @param by the events, of all that the chart has
 * @returns the ways that are there without conditions, in the chart's order; what is observed leads where the kernel says
 */
export function ways({ root }: Chart, shown: readonly string[], by: readonly string[]): Way[] {
  const found = shown.flatMap((from) =>
    leaves(root.states[from]).flatMap((leaf) =>
      [...leaf.transitions].flatMap(([event, transitions]) =>
        transitions
          .filter(({ guard }) => isEffectsEnd(event) || event === 'observed' || guard === undefined)
          .map(({ target }) => ({ from, by: wordFor(event), to: arrival(shown, from, target?.[0] ?? leaf) })),
      ),
    ),
  );
  const wanted = found.filter((way): way is Way => way.to !== undefined && by.includes(way.by));
  // An effect's end within a state is no news.
  const news = wanted.filter((way) => way.from !== way.to || (way.by !== 'done' && way.by !== 'failed'));
  return [...new Map(news.map((way) => [`${way.from} ${way.by} ${way.to}`, way])).values()];
}

/**
 * @returns the first other state to be shown that is reached when all effects on the way succeed; `from` where it comes to
 * rest there; undefined where that is not said
 */
function arrival(shown: readonly string[], from: string, start: Node): string | undefined {
  const passed = new Set<Node>();
  const ahead = [start];
  let rests = false;
  for (let node = ahead.shift(); node !== undefined; node = ahead.shift()) {
    if (passed.has(node)) continue;
    passed.add(node);
    const top = node.path[0] ?? '';
    if (top !== from && shown.includes(top)) return top;
    // What the kernel is asked for there decides, not the request.
    if (top === 'observing') return undefined;
    const next = onward(node);
    rests ||= next.length === 0 && top === from;
    ahead.push(...next);
  }
  return rests ? from : undefined;
}

function onward(node: Node): Node[] {
  const inner = Object.keys(node.states).length > 0 ? (node.initial.target ?? []) : [];
  const always = (node.always ?? []).flatMap(({ target }) => target ?? []);
  const done = [...node.transitions].flatMap(([event, transitions]) =>
    wordFor(event) === 'done' ? transitions.flatMap(({ target }) => target ?? []) : [],
  );
  return [...inner, ...always, ...done];
}

function leaves(node: Node | undefined): Node[] {
  if (node === undefined) return [];
  return [node, ...Object.values(node.states).flatMap(leaves)];
}

/** To write the record down is one, too. */
const isEffectsEnd = (event: string): boolean => /^xstate\.(done|error)\.|^(un)?saved$/.test(event);

function wordFor(event: string): string {
  if (!isEffectsEnd(event)) return event;
  return event === 'saved' || event.startsWith('xstate.done.') ? 'done' : 'failed';
}
