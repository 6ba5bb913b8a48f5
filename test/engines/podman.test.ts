/** Podman (Debian's 4.3) with our runtime and with Debian's runc: the same scenarios, the same outcome. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { noContainers, workFolder } from '../integration/bundle.ts';
import { RUNCHART } from '../integration/command-line.ts';
import { boxArchive } from './box.ts';
import { sharedNames } from './footprint.ts';
import { openPodman, type Podman } from './podman/engine.ts';
import { exec } from './podman/exec.ts';
import { isolation } from './podman/isolation.ts';
import { life } from './podman/life.ts';
import { limits } from './podman/limits.ts';
import { located, missing } from './program.ts';
import { playAll } from './scenario.ts';
import { documented } from './snippets.ts';

describe('podman', { skip: noContainers || missing('podman', 'conmon') }, () => {
  const work = workFolder('podman');
  const shared = sharedNames();
  let ours: Podman;
  let runc: Podman | undefined;

  before(() => {
    const archive = boxArchive(work.path);
    ours = openPodman(join(work.path, 'ours'), 'runchart', RUNCHART, archive);
    const peer = located('runc');
    if (peer !== undefined) runc = openPodman(join(work.path, 'runc'), 'runc', peer, archive);
  });

  after(async () => {
    assert.deepEqual(await ours?.close(), []);
    assert.deepEqual((await runc?.close()) ?? [], []);
    assert.deepEqual(
      [...sharedNames()].filter((name) => !shared.has(name)),
      [],
    );
    work.remove();
  });

  playAll([...documented('podman'), ...life, ...exec, ...limits, ...isolation], () => ({ ours, runc }));
});
