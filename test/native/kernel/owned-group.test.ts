import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, Kernel } from '../../../native/kernel/kernel.ts';
import { OwnedGroup } from '../../../native/kernel/owned-group.ts';

test('a group closes its descriptors in one batch, and once', () => {
  const batches: string[][] = [];
  const kernel: Kernel = {
    performer: 'double',
    submit(calls: readonly Call[]) {
      batches.push(calls.map(({ name, args }) => `${name} ${args.join()}`));
      return { results: calls.map(() => 0), stoppedAt: undefined };
    },
  };
  {
    using group = new OwnedGroup(kernel);
    assert.equal(group.add(5), 5);
    group.add(7);
    group[Symbol.dispose]();
  }
  {
    using _empty = new OwnedGroup(kernel);
  }
  assert.deepEqual(batches, [['close 5', 'close 7']]);
});
