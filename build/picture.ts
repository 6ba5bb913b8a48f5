/**
 * Draws the chart as the picture in README, for readers who see the project for the first time: the states that they
 * will meet, and what leads from one to another. The page of `runchart watch` is drawn by the same code.
 */

import { chartFile } from '../page/chart/file.ts';
import { layoutOf } from '../page/chart/layout.ts';
import type { Card, Cause, Chart, Way } from '../page/chart/model.ts';
import { layoutEngine } from './chart.ts';
import { ways } from './ways.ts';

/** The states, with what each means. What lies between two of them counts as a part of the way. */
const MEANINGS: Readonly<Record<string, string>> = {
  creating: 'being made',
  created: 'waits for its start',
  running: 'its program runs',
  paused: 'frozen',
  stopped: 'its program ended',
  deleted: 'nothing is left',
  failed: 'all is undone',
};

/** The labels of ways. Restored containers, and what only `delete --force` does, are in docs/lifecycle.md instead. */
const LABELS: Readonly<Record<string, string>> = {
  create: 'create',
  start: 'start',
  pause: 'pause',
  resume: 'resume',
  delete: 'delete',
  observed: 'ends',
  done: '',
  failed: 'a step fails',
};

/** Between two states: the labels have room there. */
const GAP = 62;

const TITLE = 'The life of a container: creating, created, running, paused, stopped, deleted';

export async function picture(chart: Chart): Promise<string> {
  const cards = ['absent', ...Object.keys(MEANINGS)].map((id) => cardOf(chart, id));
  const found = ways(chart, ['absent', ...Object.keys(MEANINGS)], Object.keys(LABELS)).filter(
    // Effects also end in other states, but only after a request that is shown. Of the observations, only the end is
    // shown.
    ({ from, by, to }) =>
      from !== to &&
      (from === 'creating' || (by !== 'done' && by !== 'failed')) &&
      (by !== 'observed' || to === 'stopped'),
  );
  const roads = found.map(({ from, by, to }): Way => {
    const label = LABELS[by] ?? by;
    return { from, to, cause: causeOf(by), labels: label === '' ? [] : [label] };
  });
  return chartFile(await layoutOf(layoutEngine(), { cards, tracks: [], roads }, 'RIGHT', GAP), TITLE);
}

function cardOf({ root }: Chart, id: string): Card {
  const kind = id === 'absent' ? 'initial' : root.states[id]?.type === 'final' ? 'final' : 'state';
  const meaning = MEANINGS[id];
  return { id, kind, rows: [], ...(meaning === undefined ? {} : { effect: meaning }) };
}

const causeOf = (by: string): Cause => (by === 'done' || by === 'failed' || by === 'observed' ? by : 'request');
