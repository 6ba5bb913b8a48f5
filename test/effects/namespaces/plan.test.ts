import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNamespace, makesNamespace, planNamespaces } from '../../../effects/namespaces/plan.ts';
import { CLONE } from '../../../native/constants/process.ts';
import type { Config } from '../../../spec/types.ts';

const config: Config = {
  ociVersion: '1.3.0',
  linux: {
    namespaces: [
      { type: 'mount' },
      { type: 'pid', path: '' },
      { type: 'time' },
      { type: 'network', path: '/run/netns/shared' },
    ],
  },
};

test('a namespace with a path is joined, one without is made, and one that is not listed is the host’s', () => {
  const types = ['mount', 'pid', 'time', 'network', 'uts'] as const;
  assert.deepEqual(
    types.map((type) => [type, hasNamespace(config, type), makesNamespace(config, type)]),
    [
      ['mount', true, true],
      ['pid', true, true],
      ['time', true, true],
      ['network', true, false],
      ['uts', false, false],
    ],
  );
});

test('clone3 makes all new ones but a time namespace, whose clocks are set before', () => {
  assert.deepEqual(planNamespaces(config), {
    made: CLONE.NEWNS | CLONE.NEWPID,
    makesTime: true,
    joined: [{ type: 'network', path: '/run/netns/shared' }],
  });
  assert.deepEqual(planNamespaces({ ociVersion: '1.3.0' }), { made: 0, makesTime: false, joined: [] });
});
