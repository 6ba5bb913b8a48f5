/** The chart as a file of its own: an SVG that any browser or editor shows, light or dark as its reader likes it. */

import { drawChart } from './draw.ts';
import type { Layout } from './layout.ts';
import type { Cause } from './model.ts';
import { CHART_DARK, CHART_STYLE } from './style.ts';
import { type Drawing, draw, textOf } from './svg.ts';

const CAUSES: readonly Cause[] = ['request', 'done', 'observed', 'failed'];

/** @param more is drawn above the chart */
export function chartFile(layout: Layout, title: string, more: readonly Drawing[] = []): string {
  const dark = CHART_DARK.trim();
  return textOf(
    draw(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        viewBox: `0 0 ${layout.width} ${layout.height}`,
        class: 'chart',
        role: 'img',
        'aria-labelledby': 'title',
      },
      draw('title', { id: 'title' }, title),
      draw('style', {}, `${CHART_STYLE}\n  @media (prefers-color-scheme: dark) {\n  ${dark}\n  }\n`),
      ...markers(),
      ...drawChart(layout),
      ...more,
    ),
  );
}

/** The tips of the roads. */
export const markers = (): Drawing[] =>
  CAUSES.map((cause) =>
    draw(
      'marker',
      {
        id: `tip-${cause}`,
        class: cause,
        viewBox: '0 0 8 8',
        refX: 7,
        refY: 4,
        markerWidth: 7,
        markerHeight: 7,
        orient: 'auto',
      },
      draw('path', { d: 'M0 0.5L8 4L0 7.5Z' }),
    ),
  );
