/** The rootfs becomes a mount of its own in the init's mount namespace: pivot_root(2) asks for one. */

import { close, dup3, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mount, moveMountTo, openTree } from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import { call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';
import { type Propagation, partParent } from './propagation.ts';

/**
 * @param path absolute, as the init sees the host's tree
 * @param propagation of the host's tree as the container will get it; undefined to leave it
 * @returns the rootfs, opened in the init
 * @throws EffectError
 */
export function attachRootfs(init: Kernel, path: string, propagation: Propagation | undefined): number {
  return doing(words(path), () => {
    if (propagation?.parent !== undefined) {
      call(init, mount('', '/', null, propagation.tree, null));
      partParent(init, path, propagation.parent);
    }
    const batch = new Batch();
    const tree = addAttach(batch, path, propagation);
    return perform(init, batch.calls)[tree.index] ?? -1;
  });
}

/** The same, posted, where the propagation has no `parent`. @param root the number that the descriptor is to have */
export function postAttachRootfs(init: Kernel, path: string, propagation: Propagation | undefined, root: number): void {
  const batch = new PartedBatch();
  const tree = addAttach(batch, path, propagation);
  batch.add(dup3(tree, root, O.CLOEXEC));
  batch.add(close(tree));
  batch.part(words(path));
  batch.post(init);
}

const words = (path: string): string => `mount the rootfs ${path}`;

/** First of all nothing that follows may propagate to the host. */
function addAttach(batch: Batch, path: string, propagation: Propagation | undefined): ResultRef {
  if (propagation !== undefined && propagation.parent === undefined)
    batch.add(mount('', '/', null, propagation.tree, null));
  const tree = batch.add(openTree(AT.FDCWD, path, { clone: true, recursive: true }));
  batch.add(moveMountTo(tree, AT.FDCWD, path));
  batch.add(statx(tree, '', out(STATX_BYTES)));
  return tree;
}
