/** Kubernetes, as a kubelet sees it: containerd's CRI plug-in with a handler for our runtime and one for runc. */

import { describe } from 'node:test';
import { life } from './cri/life.ts';
import { noNode, toldOnNode } from './cri/played.ts';

describe('a kubelet', { skip: noNode }, () => {
  toldOnNode([...life]);
});
