/** Finds by which ways a container came from one place of the chart to another. Pure. */

import type { Layout, PlacedWay } from './layout.ts';
import { cardIdOf } from './model.ts';

/** The most ways between two places that somebody tells of: a state without an effect is passed untold. */
const MOST = 4;

/**
 * @param place as it is told: `running`, `creating.mounts`
 * @returns the row that it means (`running.idle`), or the card where that has no rows, or undefined where the chart has
 * neither: another version of runchart may have told it
 */
export function leafOf(layout: Layout, place: string): string | undefined {
  const card = layout.cards.find(({ id }) => id === cardIdOf(place));
  if (card === undefined || card.rows.length === 0) return card?.id;
  const row = card.rows.find(({ id }) => id === place) ?? card.rows.find(({ id }) => id === `${card.id}.idle`);
  return row?.id ?? card.first;
}

/** @returns the ways in their order, as few as there can be; empty where the chart has none */
export function waysBetween(layout: Layout, from: string, to: string): readonly PlacedWay[] {
  let ahead: { readonly at: string; readonly by: readonly PlacedWay[] }[] = [{ at: from, by: [] }];
  const seen = new Set([from]);
  for (let depth = 0; depth < MOST; depth++) {
    const next: typeof ahead = [];
    for (const { at, by } of ahead) {
      for (const way of [...layout.tracks, ...layout.roads]) {
        if (way.from !== at && way.from !== cardIdOf(at)) continue;
        const reached = leafOf(layout, way.to) ?? way.to;
        if (reached === to) return [...by, way];
        if (seen.has(reached)) continue;
        seen.add(reached);
        next.push({ at: reached, by: [...by, way] });
      }
    }
    ahead = next;
  }
  return [];
}
