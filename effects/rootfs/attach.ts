/** The rootfs becomes a mount of its own in the init's mount namespace: pivot_root(2) asks for one. */

import { close, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mount, moveMountTo, openTree } from '../../native/calls/mounts.ts';
import { AT } from '../../native/constants/files.ts';
import { MS } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel.ts';
import { perform } from '../../native/perform.ts';
import { out, result } from '../../native/struct.ts';
import { doing } from '../error.ts';

/**
 * @param path absolute, as the init sees the host's tree
 * @param propagation of the host's tree as the container will get it; MS_SLAVE|MS_REC where config.json is silent, as runc does
 * @returns the rootfs, opened in the init
 * @throws EffectError
 */
export function attachRootfs(init: Kernel, path: string, propagation: number = MS.SLAVE | MS.REC): number {
  return doing(`mount the rootfs ${path}`, () => {
    // First of all nothing that follows may propagate to the host.
    const [, root = -1] = perform(init, [
      mount('', '/', null, propagation, null),
      openTree(AT.FDCWD, path, { clone: true, recursive: true }),
      moveMountTo(result(1), AT.FDCWD, path),
      statx(result(1), '', out(STATX_BYTES)),
    ]);
    return root;
  });
}

export const detachRootfs = (root: number) => close(root);
