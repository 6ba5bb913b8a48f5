/** Lays out the lifecycle's chart: for a wide window and a narrow one, with the main ways and with all of them. */

import ELK from 'elkjs/lib/elk.bundled.js';
import { containerMachine } from '../machines/container.ts';
import { type Layouts, layoutOf } from '../page/chart/layout.ts';
import { type Chart, mainWays, modelOf } from '../page/chart/model.ts';

export async function chartLayouts(chart: Chart = containerMachine): Promise<Layouts> {
  const elk = layoutEngine();
  const all = modelOf(chart);
  const main = mainWays(all);
  // In a narrow window they would make all the rest smaller.
  const narrow = { ...main, roads: main.roads.filter(({ cause }) => cause !== 'observed') };
  return {
    wide: { main: await layoutOf(elk, main, 'RIGHT'), all: await layoutOf(elk, all, 'RIGHT') },
    narrow: { main: await layoutOf(elk, narrow, 'DOWN'), all: await layoutOf(elk, all, 'DOWN') },
  };
}

export function layoutEngine() {
  const elk = new ELK.default();
  // ELK takes Bun for a browser's worker, and listens for messages: Bun would never end.
  Reflect.set(globalThis, 'onmessage', null);
  return elk;
}
