/** All that a kubelet sees: `npm run test:cri`. It takes some minutes, so `npm test` has a part of it (cri.test.ts). */

import { describe } from 'node:test';
import { noNode, toldOnNode } from './played.ts';
import { stories } from './stories.ts';
import { upkeep } from './upkeep.ts';

describe('a kubelet', { skip: noNode }, () => {
  toldOnNode(stories, upkeep);
});
