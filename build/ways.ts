/** Finds which states of the chart lead to which others, and by what, if only some states are looked at. Pure. */

import type { Chart } from '../page/chart/model.ts';

type Node = Chart['root'];

export interface Way {
  readonly from: string;
  /** A request, an observation, or the end of the state's own effects: `done` or `failed`. */
  readonly by: string;
  /** The same as `from` if the state stays. */
  readonly to: string;
}

/**
 * @param shown top-level states; what lies between two of them counts as a part of the way
 * @param by the events that are looked at
 * @returns the ways without conditions, in the order of the chart. An observation leads to the state that the kernel
 * shows.
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
  // The end of an effect inside one state is of no interest.
  const news = wanted.filter((way) => way.from !== way.to || (way.by !== 'done' && way.by !== 'failed'));
  return [...new Map(news.map((way) => [`${way.from} ${way.by} ${way.to}`, way])).values()];
}

/**
 * @returns the first other shown state that is reached if all effects on the way succeed; `from` if it comes to rest
 * there; undefined if the chart does not say
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
    // There the kernel's answer decides, not the request.
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

/** Whether an event says how an effect ended. Writing the record is an effect, too. */
const isEffectsEnd = (event: string): boolean => /^xstate\.(done|error)\.|^(un)?saved$/.test(event);

function wordFor(event: string): string {
  if (!isEffectsEnd(event)) return event;
  return event === 'saved' || event.startsWith('xstate.done.') ? 'done' : 'failed';
}
