import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeIndex } from '../../../../effects/namespaces/net-devices/move.ts';

test('a device keeps its index if that is free', () => {
  assert.equal(freeIndex([1, 2], 7), 7);
  assert.equal(freeIndex([1, 7, 3], 7), 8);
});
