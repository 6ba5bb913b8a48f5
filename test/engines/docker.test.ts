/** docker's daemon (Debian's 20.10) with our runtime and with Debian's runc. */

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { noContainers, workFolder } from '../integration/bundle.ts';
import { RUNCHART } from '../integration/command-line.ts';
import { boxArchive } from './box.ts';
import { type Docker, openDocker } from './docker/engine.ts';
import { life } from './docker/life.ts';
import { sharedNames } from './footprint.ts';
import { located, missing } from './program.ts';
import { playAll } from './scenario.ts';
import { documented } from './snippets.ts';

describe('docker', { skip: noContainers || missing('docker', 'dockerd', 'containerd') }, () => {
  const work = workFolder('docker');
  // Containers with a user namespace must be able to pass through it.
  chmodSync(work.path, 0o711);
  const shared = sharedNames();
  let ours: Docker;
  let runc: Docker | undefined;

  before(async () => {
    const archive = boxArchive(work.path);
    const peer = located('runc');
    ours = await openDocker(join(work.path, 'ours'), 'runchart', RUNCHART, archive);
    if (peer !== undefined) runc = await openDocker(join(work.path, 'runc'), 'runc', peer, archive);
  });

  after(async () => {
    // The order matters: each docker leaves the folders of shims that it did not find when it began.
    for (const docker of [runc, ours]) assert.deepEqual((await docker?.close()) ?? [], []);
    assert.deepEqual(
      [...sharedNames()].filter((name) => !shared.has(name)),
      [],
    );
    work.remove();
  });

  playAll([...documented('docker'), ...life], () => ({ ours, runc }));
});
