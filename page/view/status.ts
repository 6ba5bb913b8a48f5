/** How a status is shown: by a shape of its own as well as by a colour, and in words. */

import type { Summary } from '../../spec/watch/messages.ts';
import { type Drawing, draw } from '../chart/svg.ts';
import { elementOf, make } from './dom.ts';

export type Look = 'creating' | 'created' | 'running' | 'paused' | 'stopped' | 'deleted' | 'failed';

export function lookOf({ status, place }: Pick<Summary, 'status' | 'place'>): Look {
  if (status !== null) return status;
  return place === 'failed' ? 'failed' : 'deleted';
}

const filled = { fill: 'currentColor' };
const open = { fill: 'none', stroke: 'currentColor', 'stroke-width': 2 };

const SHAPES: Readonly<Record<Look, readonly Drawing[]>> = {
  creating: [draw('circle', { cx: 8, cy: 8, r: 5, ...open, 'stroke-dasharray': '2.6 2.6' })],
  created: [draw('circle', { cx: 8, cy: 8, r: 5, ...open })],
  running: [draw('path', { d: 'M4.5 2.5L13 8L4.5 13.5Z', ...filled })],
  paused: [
    draw('rect', { x: 3.5, y: 3, width: 3.5, height: 10, ...filled }),
    draw('rect', { x: 9, y: 3, width: 3.5, height: 10, ...filled }),
  ],
  stopped: [draw('rect', { x: 3.5, y: 3.5, width: 9, height: 9, ...filled })],
  deleted: [draw('path', { d: 'M3 8H13', ...open })],
  failed: [draw('path', { d: 'M3.5 3.5L12.5 12.5M12.5 3.5L3.5 12.5', ...open, 'stroke-width': 2.4 })],
};

/** The shape with its word. */
export function badge(look: Look): HTMLElement {
  const shape = draw('svg', { viewBox: '0 0 16 16', class: 'shape', 'aria-hidden': 'true' }, ...SHAPES[look]);
  return make('span', { class: `badge ${look}` }, elementOf(shape), look);
}
