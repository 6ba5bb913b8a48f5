/** The rootfs becomes a mount of its own in the init's mount namespace: pivot_root(2) asks for one. */

import { close, dup3, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mount, moveMountTo, openTree } from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';
import { type Propagation, partParent } from './propagation.ts';

/**
 * @param path absolute, as the init sees the host's tree
 * @param propagation what the host's tree gets in the container's mount namespace; undefined to leave it as it is
 * @returns the rootfs, open in the init
 * @throws EffectError
 */
export function attachRootfs(init: Kernel, path: string, propagation: Propagation | undefined): Fd {
  return doing(words(path), () => {
    if (propagation?.parent !== undefined) {
      call(init, mount('', '/', null, propagation.tree, null));
      partParent(init, path, propagation.parent);
    }
    const batch = new Batch();
    const tree = addRootfsMount(batch, path, propagation);
    return resultOf(perform(init, batch.calls), tree);
  });
}

/**
 * Does the same without waiting. It may be used only if the propagation has no `parent`.
 * @param root the number that the rootfs's descriptor gets in the init
 */
export function postAttachRootfs(init: Kernel, path: string, propagation: Propagation | undefined, root: Fd): void {
  const batch = new PartedBatch();
  const tree = addRootfsMount(batch, path, propagation);
  batch.add(dup3(tree, root, O.CLOEXEC));
  batch.add(close(tree));
  batch.part(words(path));
  batch.post(init);
}

const words = (path: string): string => `mount the rootfs ${path}`;

/** The propagation is set first: nothing that follows may propagate to the host. */
function addRootfsMount(batch: Batch, path: string, propagation: Propagation | undefined): ResultRef<Fd> {
  if (propagation !== undefined && propagation.parent === undefined)
    batch.add(mount('', '/', null, propagation.tree, null));
  const tree = batch.add(openTree(AT.FDCWD, path, { clone: true, recursive: true }));
  batch.add(moveMountTo(tree, AT.FDCWD, path));
  batch.add(statx(tree, '', out(STATX_BYTES)));
  return tree;
}
