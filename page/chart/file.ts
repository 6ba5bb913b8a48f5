/** The chart as a file of its own: an SVG that any browser shows, light or dark as its reader likes it. */

import { drawChart } from './draw.ts';
import type { Layout } from './layout.ts';
import type { Cause } from './model.ts';
import { FILE_STYLE } from './style.ts';
import { type Drawing, draw, textOf } from './svg.ts';

const CAUSES: readonly Cause[] = ['request', 'done', 'observed', 'failed'];

/** @param title what it shows, for those who hear it */
export function chartFile(layout: Layout, title: string): string {
  return `${textOf(
    draw(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        ...frame(layout),
        class: 'chart',
        role: 'img',
        'aria-labelledby': 'title',
      },
      draw('title', { id: 'title' }, title),
      draw('style', {}, FILE_STYLE),
      ...markers(),
      ...drawChart(layout),
    ),
  )}\n`;
}

export const frame = ({ width, height }: Layout) => ({ viewBox: `0 0 ${width} ${height}` });

/** The tips of the roads. */
export const markers = (): Drawing[] => [
  ...CAUSES.map((cause) => tip(`tip-${cause}`, cause)),
  tip('tip-taken', 'taken'),
];

const tip = (id: string, className: string): Drawing =>
  draw(
    'marker',
    {
      id,
      class: className,
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerWidth: 8,
      markerHeight: 8,
      orient: 'auto',
      markerUnits: 'userSpaceOnUse',
    },
    draw('path', { d: 'M0 0.5L8 4L0 7.5Z' }),
  );
