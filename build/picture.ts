/**
 * Draws the chart as the picture in README, for readers who see the project for the first time. The places are chosen
 * here by hand; the ways between them come from the chart.
 */

import type { Chart } from './diagram.ts';
import { type Way, ways } from './ways.ts';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly meaning: string;
}

const ROW = 130;
const WIDTH = 140;
const HEIGHT = 52;
/** `absent` is the dot where everything begins. */
const START = { x: 20, y: ROW };
const BOXES: Readonly<Record<string, Box>> = {
  creating: { x: 160, y: ROW, meaning: 'being made' },
  created: { x: 360, y: ROW, meaning: 'waits for its start' },
  running: { x: 560, y: ROW, meaning: 'its program runs' },
  paused: { x: 560, y: 240, meaning: 'frozen' },
  stopped: { x: 760, y: ROW, meaning: 'its program ended' },
  deleted: { x: 960, y: ROW, meaning: 'nothing is left' },
  failed: { x: 160, y: 240, meaning: 'all is undone' },
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
const REQUESTS = ['create', 'start', 'pause', 'resume', 'delete'];

/** A line from one box to another, and the place of its label. */
interface Road {
  readonly path: string;
  readonly label: readonly [x: number, y: number];
  readonly anchor?: 'start' | 'end';
}

const ROADS: Readonly<Record<string, Road>> = {
  'absent creating': { path: 'M28 130H88', label: [56, 122] },
  'creating created': { path: 'M230 130H288', label: [258, 122] },
  'creating failed': { path: 'M160 156V212', label: [168, 189], anchor: 'start' },
  'created running': { path: 'M430 130H488', label: [458, 122] },
  'created paused': { path: 'M360 156C360 225 420 240 488 240', label: [374, 226], anchor: 'end' },
  'created stopped': { path: 'M385 104C430 50 690 50 733 102', label: [560, 57] },
  'created deleted': { path: 'M345 104C390 0 930 0 955 102', label: [650, 20] },
  'running paused': { path: 'M545 156V212', label: [537, 189], anchor: 'end' },
  'paused running': { path: 'M575 214V158', label: [583, 189], anchor: 'start' },
  'running stopped': { path: 'M630 130H688', label: [658, 122] },
  'paused stopped': { path: 'M630 240C700 240 760 225 760 158', label: [764, 200], anchor: 'start' },
  'stopped deleted': { path: 'M830 130H888', label: [858, 122] },
};

const STYLE = `
  text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
  .name { font-weight: 600 }
  .meaning { font-size: 11.5px; fill: #59636e }
  .request { font-family: ui-monospace, monospace; font-size: 12.5px }
  .event { font-size: 12.5px; font-style: italic; fill: #59636e }
  .start { text-anchor: start }
  .end { text-anchor: end }
  rect { fill: #f6f8fa; stroke: #818b98; rx: 10px }
  .running { fill: #dafbe1; stroke: #1a7f37 }
  path { fill: none; stroke: #59636e; stroke-width: 1.5 }
  .by-itself { stroke-dasharray: 4 3 }
  .dot, marker path { fill: #59636e; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .meaning, .event { fill: #9198a1 }
    rect { fill: #151b23; stroke: #656c76 }
    .running { fill: #12261e; stroke: #3fb950 }
    path { stroke: #9198a1 }
    .dot, marker path { fill: #9198a1; stroke: none }
  }`;

/** @throws RangeError if a way of the chart has no place in the picture, or if a place belongs to no way */
export function picture(chart: Chart): string {
  const found = ways(chart, ['absent', ...Object.keys(BOXES)], Object.keys(LABELS)).filter(
    // Effects also end in other states, but only after a request that is shown. Of the observations, only the end is
    // shown.
    ({ from, by, to }) =>
      from !== to &&
      (from === 'creating' || (by !== 'done' && by !== 'failed')) &&
      (by !== 'observed' || to === 'stopped'),
  );
  const unneeded = Object.keys(ROADS).filter((road) => !found.some(({ from, to }) => road === `${from} ${to}`));
  if (unneeded.length > 0) throw new RangeError(`the chart does not lead from ${unneeded.join(', from ')}`);
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1040 280" role="img" aria-labelledby="title">',
    '<title id="title">The life of a container: creating, created, running, paused, stopped, deleted</title>',
    `<style>${STYLE}\n</style>`,
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0L8 4L0 8Z"/></marker>',
    `<circle class="dot" cx="${START.x}" cy="${START.y}" r="8"/>`,
    ...Object.entries(BOXES).map(([name, box]) => drawBox(name, box)),
    ...found.map(drawWay),
    '<text class="request start" x="800" y="222">start</text>' +
      '<text class="meaning start" x="848" y="222">you ask for it</text>',
    '<text class="event start" x="800" y="242">ends</text>' +
      '<text class="meaning start" x="848" y="242">it exits, or kill ends it</text>',
    '</svg>',
    '',
  ].join('\n');
}

function drawBox(name: string, { x, y, meaning }: Box): string {
  const frame = `x="${x - WIDTH / 2}" y="${y - HEIGHT / 2}" width="${WIDTH}" height="${HEIGHT}"`;
  const title = `<text class="name" x="${x}" y="${y - 3}">${name}</text>`;
  return `<rect class="${name}" ${frame}/>${title}<text class="meaning" x="${x}" y="${y + 15}">${meaning}</text>`;
}

function drawWay({ from, by, to }: Way): string {
  const road = ROADS[`${from} ${to}`];
  if (road === undefined) throw new RangeError(`the picture has no place for ${by}, from ${from} to ${to}`);
  const asked = REQUESTS.includes(by);
  const [x, y] = road.label;
  const classes = [asked ? 'request' : 'event', road.anchor].filter(Boolean).join(' ');
  const line = `<path${asked ? '' : ' class="by-itself"'} d="${road.path}" marker-end="url(#tip)"/>`;
  if (LABELS[by] === '') return line;
  return `${line}<text class="${classes}" x="${x}" y="${y}">${LABELS[by]}</text>`;
}
