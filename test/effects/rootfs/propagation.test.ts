import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalPropagation, planPropagation, rootPropagation } from '../../../effects/rootfs/propagation.ts';
import { MS } from '../../../native/constants/mount.ts';

const { PRIVATE, REC, SHARED, SLAVE, UNBINDABLE } = MS;

test('the parent of the rootfs is never left shared, since pivot_root would fail', () => {
  const plans = {
    '': { tree: SLAVE | REC, parent: undefined, root: undefined },
    private: { tree: PRIVATE, parent: PRIVATE, root: undefined },
    rprivate: { tree: PRIVATE | REC, parent: PRIVATE, root: undefined },
    slave: { tree: SLAVE, parent: SLAVE, root: undefined },
    rslave: { tree: SLAVE | REC, parent: SLAVE, root: undefined },
    shared: { tree: SHARED, parent: PRIVATE, root: SHARED },
    rshared: { tree: SHARED | REC, parent: PRIVATE, root: SHARED | REC },
    // The rootfs could not be bound from an unbindable tree.
    unbindable: { tree: PRIVATE, parent: PRIVATE, root: UNBINDABLE },
    runbindable: { tree: PRIVATE | REC, parent: PRIVATE, root: UNBINDABLE },
  } as const;
  for (const [wanted, plan] of Object.entries(plans))
    assert.deepEqual(planPropagation(wanted as keyof typeof plans), plan, wanted);
  assert.deepEqual(planPropagation(undefined), plans['']);
});

test('the root is given its propagation once it is the root, and runbindable reaches the others at the end', () => {
  const flags = (calls: ReturnType<typeof finalPropagation>) => calls.map(({ args }) => [args[1], args[3]]);
  assert.deepEqual(flags(rootPropagation(planPropagation('rshared'))), [['/', SHARED | REC]]);
  assert.deepEqual(flags(rootPropagation(planPropagation('rslave'))), []);
  assert.deepEqual(flags(finalPropagation('runbindable')), [['/', UNBINDABLE | REC]]);
  assert.deepEqual(flags(finalPropagation('unbindable')), []);
});
