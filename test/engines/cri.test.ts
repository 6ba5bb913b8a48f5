/** Kubernetes, as a kubelet sees it: containerd's CRI plug-in with a handler for our runtime and one for runc. */

import { describe } from 'node:test';
import { ends } from './cri/ends.ts';
import { isolation } from './cri/isolation.ts';
import { life } from './cri/life.ts';
import { limits } from './cri/limits.ts';
import { noNode, toldOnNode } from './cri/played.ts';
import { probes } from './cri/probes.ts';
import { stats } from './cri/stats.ts';
import { talks } from './cri/talks.ts';

describe('a kubelet', { skip: noNode }, () => {
  toldOnNode([...life, ...ends, ...probes, ...limits, ...stats, ...talks, ...isolation]);
});
