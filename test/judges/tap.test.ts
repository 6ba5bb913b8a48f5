import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTap } from './tap.ts';

const outcomes = (printed: string, status = 0): [string, string][] =>
  readTap(printed, status).map(({ title, outcome }) => [title, outcome]);

test('the forms in which suites tell of a test', () => {
  const printed = [
    '1..5',
    'ok 1 runc run # with a sign',
    'not ok 2 - it fails # 0.123s',
    '# why',
    'ok 3 not here # skip test requires root',
    'ok 4 - neither #SKIP no such thing # 0.001s',
    'ok 5 quick in 123ms',
  ].join('\n');
  assert.deepEqual(outcomes(printed, 1), [
    ['runc run # with a sign', 'passed'],
    ['it fails', 'failed'],
    ['not here', 'skipped'],
    ['neither', 'skipped'],
    ['quick', 'passed'],
  ]);
  assert.deepEqual(readTap(printed, 1)[1]?.diagnosis, ['why']);
});

test('a title that comes again has a number', () => {
  assert.deepEqual(
    outcomes('ok 1 a\nok 2 a').map(([title]) => title),
    ['a', 'a (2)'],
  );
});

test('a file that ends too early, or fails without a word, has failed itself', () => {
  const itself = ['(the file itself)', 'failed'];
  assert.deepEqual(outcomes('1..3\nok 1 a').at(-1), itself);
  assert.deepEqual(outcomes('ok 1 a', 3).at(-1), itself);
  assert.deepEqual(outcomes('', 1), [itself]);
});
