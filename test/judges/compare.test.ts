import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare, type Outcomes, readExpected } from './compare.ts';
import type { Outcome } from './tap.ts';

const told = (outcomes: Readonly<Record<string, Outcome>>): Outcomes =>
  new Map(Object.entries(outcomes).map(([title, outcome]) => [title, { title, outcome, diagnosis: [] }]));

test('what fails, is skipped or is missing with ours alone is told, and what is expected is known', () => {
  const ours = told({
    both: 'failed',
    known: 'failed',
    unknown: 'failed',
    left: 'skipped',
    peer: 'passed',
    off: 'skipped',
  });
  const peers = told({
    both: 'failed',
    known: 'passed',
    unknown: 'skipped',
    left: 'passed',
    peer: 'failed',
    off: 'skipped',
    missing: 'passed',
  });
  const expected = new Map([
    ['known', 'a reason'],
    ['peer', 'no longer'],
  ]);
  const result = compare(ours, peers, expected);
  assert.deepEqual(result.both, ['both']);
  assert.deepEqual(result.peerAlone, ['peer']);
  assert.deepEqual(result.known, ['known']);
  assert.deepEqual(result.unknown, ['unknown', 'left', 'missing']);
  assert.deepEqual(result.mended, ['peer']);
  assert.equal(result.tests, 7);
  assert.equal(result.passed, 1);
  assert.equal(result.skipped, 1);
});

test('a list of expectations has a reason for each test', () => {
  assert.deepEqual(
    [...readExpected('# why\n\na: b\n  first\n  second\nc: d\n  third\n')],
    [
      ['a: b', 'first second'],
      ['c: d', 'third'],
    ],
  );
  assert.throws(() => readExpected('a: b\nc: d\n  reason\n'), /no reason is given for: a: b/);
  assert.throws(() => readExpected('a: b\n'), /no reason is given for: a: b/);
  assert.throws(() => readExpected('a: b\n  x\na: b\n  y\n'), /named twice/);
});

test('the lists of this folder can be read', () => {
  const folder = join(import.meta.dirname, 'expected');
  const files = readdirSync(folder);
  assert.ok(files.includes('runc.txt'));
  for (const file of files) readExpected(readFileSync(join(folder, file), 'utf8'));
});
