/** Times are worded so that a reader sees at once how long they are. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, clock, duration } from '../../page/time.ts';

test('a duration has the unit that suits it', () => {
  const shown = [0.000_04, 0.0031, 0.0139, 0.9996, 2.314, 33.33, 252, 11_100, 187_200].map(duration);
  const expected = ['0.04 ms', '3.1 ms', '14 ms', '1000 ms', '2.31 s', '33.3 s', '4 min 12 s', '3 h 5 min', '2 d 4 h'];
  assert.deepEqual(shown, expected);
  assert.deepEqual([-1, Number.NaN, Number.POSITIVE_INFINITY].map(duration), ['–', '–', '–']);
});

test('how long ago something was is coarse', () => {
  assert.deepEqual([-3, 1, 12, 250, 7300, 200_000].map(ago), ['now', 'now', '12 s', '4 min', '2 h', '2 d']);
});

test('a time of day has milliseconds', () => {
  assert.match(clock(1_796_040_000.0625), /^\d\d:\d\d:00\.06[23]$/);
});
