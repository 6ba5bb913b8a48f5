/** Draws who stands in a state: a dot for each of few containers, a number for many. Pure. */

import { type Box, ROW } from './layout.ts';
import { type Drawing, draw } from './svg.ts';
import { widthOf } from './text-width.ts';

const MOST_DOTS = 3;
const RADIUS = 4.5;
const STEP = 11;

/**
 * @param box of the row, or of the card that has none
 * @param here whether the chosen container is among them: the row is lit then
 */
export function marksOf(
  { x, y, width, height }: Box,
  standings: readonly { readonly key: string; readonly name: string }[],
  here: boolean,
): Drawing {
  const right = x + width - 12;
  const middle = height > ROW ? y + 13 : y + height / 2;
  const names = standings.slice(0, 12).map(({ name }) => name);
  const others = standings.length - names.length;
  const title = `${names.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
  if (standings.length <= MOST_DOTS)
    return draw(
      'g',
      { class: here && height === ROW ? 'marks here' : 'marks' },
      ...standings.map(({ key, name }, index) =>
        draw(
          'circle',
          { class: 'mark', cx: right - RADIUS + 2 - index * STEP, cy: middle, r: RADIUS, 'data-key': key },
          draw('title', {}, name),
        ),
      ),
    );
  const text = String(standings.length);
  const wide = widthOf(text, 11, 'bold') + 12;
  return draw(
    'g',
    { class: 'pill' },
    draw('rect', { x: right - wide + 4, y: middle - 8, width: wide, height: 16, rx: 8 }),
    draw('text', { x: right - wide / 2 + 4, y: middle + 4, 'text-anchor': 'middle' }, text),
    draw('title', {}, title),
  );
}
