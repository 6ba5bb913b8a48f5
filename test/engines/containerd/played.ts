/** Plays scenarios on a containerd of their own, with our runtime and with Debian's runc. */

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { noContainers, workFolder } from '../../integration/bundle.ts';
import { RUNCHART } from '../../integration/command-line.ts';
import { boxArchive } from '../box.ts';
import { sharedNames } from '../footprint.ts';
import { ociArchive } from '../oci-archive.ts';
import { located, missing } from '../program.ts';
import { type Engine, playAll, type Scenario } from '../scenario.ts';
import { type Containerd, openContainerd } from './engine.ts';

/** Why they cannot be played here; false if they can. */
export const noContainerd: string | false = noContainers || missing('containerd', 'ctr', 'containerd-shim-runc-v2');

/**
 * Call this in a suite that is not skipped for that reason.
 * @returns a folder for whatever else the suite needs; it is removed when the suite has ended
 */
export function playedOnContainerd(scenarios: readonly Scenario[]): string {
  const work = workFolder('containerd');
  // Containers with a user namespace must be able to pass through it.
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

  playAll(scenarios, () => ({ ours, runc }));
  return work.path;
}
