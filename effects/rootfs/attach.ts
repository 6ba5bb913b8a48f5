/** The rootfs becomes a mount of its own in the init's mount namespace: pivot_root(2) asks for one. */

import { Batch } from '../../native/batch.ts';
import { close, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mount, moveMountTo, openTree } from '../../native/calls/mounts.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel.ts';
import { call, perform } from '../../native/perform.ts';
import { out } from '../../native/struct.ts';
import { doing } from '../error.ts';
import { type Propagation, partParent } from './propagation.ts';

/**
 * @param path absolute, as the init sees the host's tree
 * @param propagation of the host's tree as the container will get it; undefined to leave it
 * @returns the rootfs, opened in the init
 * @throws EffectError
 */
export function attachRootfs(init: Kernel, path: string, propagation: Propagation | undefined): number {
  return doing(`mount the rootfs ${path}`, () => {
    const batch = new Batch();
    // First of all nothing that follows may propagate to the host.
    if (propagation?.parent !== undefined) {
      call(init, mount('', '/', null, propagation.tree, null));
      partParent(init, path, propagation.parent);
    } else if (propagation !== undefined) batch.add(mount('', '/', null, propagation.tree, null));
    const tree = batch.add(openTree(AT.FDCWD, path, { clone: true, recursive: true }));
    batch.add(moveMountTo(tree, AT.FDCWD, path));
    batch.add(statx(tree, '', out(STATX_BYTES)));
    return perform(init, batch.calls)[tree.index] ?? -1;
  });
}

export const detachRootfs = (root: number) => close(root);
