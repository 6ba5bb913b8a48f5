/** All that a kubelet sees: `npm run test:cri`. It takes some minutes, so `npm test` has a part of it (cri.test.ts). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CriNode } from './engine.ts';
import { noNode, toldOnNode } from './played.ts';
import { stories } from './stories.ts';
import { upkeep } from './upkeep.ts';

describe('a kubelet', { skip: noNode }, () => {
  toldOnNode(stories, upkeep);
});

describe('a kubelet on a node with a resident server', { skip: noNode }, () => {
  toldOnNode(
    stories.filter(({ short }) => short),
    (node: () => CriNode) =>
      it('the server has performed what containerd asked for', () => {
        assert.ok((node().served() ?? 0) > 100, `it has performed ${node().served()}`);
      }),
    true,
  );
});
