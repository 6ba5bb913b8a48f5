/**
 * Kubernetes, as a kubelet sees it: containerd's CRI plug-in with a handler for our runtime and one for runc. These are
 * a few of its stories; `npm run test:cri` tells all (test/engines/cri/whole.ts).
 */

import { describe } from 'node:test';
import { noNode, toldOnNode } from './cri/played.ts';
import { stories } from './cri/stories.ts';

describe('a kubelet, in short', { skip: noNode }, () => {
  toldOnNode(stories.filter(({ short }) => short));
});
