/** Plays stories on a node of their own, with our runtime and with Debian's runc. */

import assert from 'node:assert/strict';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { noContainers, workFolder } from '../../integration/bundle.ts';
import { RUNCHART } from '../../integration/command-line.ts';
import { boxArchive } from '../box.ts';
import { sharedNames } from '../footprint.ts';
import { ociArchive } from '../oci-archive.ts';
import { located, missing } from '../program.ts';
import { BOX, CNI_PLUGINS, CONTAINERD, type CriNode, openNode, PAUSE } from './engine.ts';
import { OURS, PEER, type Story, tellAll } from './story.ts';

/** Why there can be no node here; false if there can. */
export const noNode: string | false =
  noContainers ||
  (CONTAINERD === undefined
    ? 'containerd is not installed'
    : existsSync(join(CNI_PLUGINS, 'ptp'))
      ? missing('containerd-shim-runc-v2')
      : 'containernetworking-plugins is not installed');

/**
 * Call this in a suite that is not skipped for that reason.
 * @param further adds tests that concern all of the node
 * @param resident whether a resident server performs our runtime's commands
 */
export function toldOnNode(
  stories: readonly Story[],
  further: (node: () => CriNode, handlers: readonly string[]) => void = () => {},
  resident = false,
): void {
  const work = workFolder('cri');
  // Containers with a user namespace must be able to pass through it.
  chmodSync(work.path, 0o711);
  const shared = sharedNames();
  const peer = located('runc');
  const handlers = { [OURS]: RUNCHART, ...(peer === undefined ? {} : { [PEER]: peer }) };
  let node: CriNode;

  before(async () => {
    const layer = boxArchive(work.path);
    const archives = [ociArchive(work.path, layer, BOX), ociArchive(work.path, layer, PAUSE, ['sleep', '2147483647'])];
    node = await openNode(join(work.path, 'node'), archives, handlers, resident);
  });

  after(async () => {
    assert.deepEqual((await node?.close()) ?? [], []);
    assert.deepEqual(
      [...sharedNames()].filter((name) => !shared.has(name)),
      [],
    );
    work.remove();
  });

  tellAll(stories, () => node, Object.keys(handlers));
  further(() => node, Object.keys(handlers));
}
