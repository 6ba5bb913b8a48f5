/** containerd (Debian's 1.6), its shim for runc-like runtimes and ctr, with our runtime and with Debian's runc. */

import { describe } from 'node:test';
import { noContainerd, playedOnContainerd } from './containerd/played.ts';
import { tasks } from './containerd/tasks.ts';
import { documented } from './snippets.ts';

describe('containerd', { skip: noContainerd }, () => {
  playedOnContainerd([...documented('ctr'), ...tasks]);
});
