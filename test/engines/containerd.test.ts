/** containerd (Debian's 1.6), its shim for runc-like runtimes and ctr, with our runtime and with Debian's runc. */

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { noContainers, workFolder } from '../integration/bundle.ts';
import { RUNCHART } from '../integration/command-line.ts';
import { boxArchive } from './box.ts';
import { type Containerd, openContainerd } from './containerd/engine.ts';
import { tasks } from './containerd/tasks.ts';
import { sharedNames } from './footprint.ts';
import { ociArchive } from './oci-archive.ts';
import { located, missing } from './program.ts';
import { type Engine, playAll } from './scenario.ts';
import { documented } from './snippets.ts';

describe('containerd', { skip: noContainers || missing('containerd', 'ctr', 'containerd-shim-runc-v2') }, () => {
  const work = workFolder('containerd');
  // Containers with a user namespace pass it.
  chmodSync(work.path, 0o711);
  const shared = sharedNames();
  let containerd: Containerd;
  let ours: Engine;
  let runc: Engine | undefined;

  before(async () => {
    const archive = ociArchive(work.path, boxArchive(work.path), 'localhost/box:latest');
    containerd = await openContainerd(join(work.path, 'engine'), archive);
    ours = containerd.engine('runchart', RUNCHART);
    const peer = located('runc');
    if (peer !== undefined) runc = containerd.engine('runc', peer);
  });

  after(async () => {
    assert.deepEqual((await containerd?.close()) ?? [], []);
    assert.deepEqual(
      [...sharedNames()].filter((name) => !shared.has(name)),
      [],
    );
    work.remove();
  });

  playAll([...documented('ctr'), ...tasks], () => ({ ours, runc }));
});
