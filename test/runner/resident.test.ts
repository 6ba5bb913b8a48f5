import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { misjudged } from './resident.ts';

describe('what a resident server was asked for', () => {
  const unserved = { 'test/cold.test.ts': 'it removes the server' };

  it('is something of each file', () => {
    assert.deepEqual(misjudged(new Map([['test/warm.test.ts', 3]]), unserved), []);
    assert.deepEqual(misjudged(new Map([['test/warm.test.ts', 0]]), unserved), [
      'test/warm.test.ts: the server has performed none of its commands',
    ]);
  });

  it('is nothing of a file that must not be served', () => {
    assert.deepEqual(misjudged(new Map([['test/cold.test.ts', 0]]), unserved), []);
    assert.deepEqual(misjudged(new Map([['test/cold.test.ts', 2]]), unserved), [
      'test/cold.test.ts: the server has performed 2, though it removes the server',
    ]);
  });
});
