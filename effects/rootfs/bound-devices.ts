/** Devices where mknod(2) is not permitted, as in a user namespace: the host's nodes are bound there. */

import { close, mknodat, unlinkat } from '../../native/calls/files.ts';
import { moveMount, openTree } from '../../native/calls/mounts.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { PartedBatch } from '../batch.ts';
import { baseOf, openInRoot, parentOf } from '../paths/in-root.ts';

interface BoundDevice {
  /** In the container. Its parent directory exists. */
  readonly path: string;
  /** On the host, as the init sees it before pivot_root. */
  readonly source: string;
}

/** A file that the image has at that path is removed: it is not the device. @throws EffectError */
export function bindDevices(init: Kernel, root: Fd, devices: readonly BoundDevice[]): void {
  const batch = new PartedBatch();
  for (const { path, source } of devices) {
    const tree = batch.add(openTree(AT.FDCWD, source, { clone: true }));
    const parent = batch.add(openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
    batch.try(unlinkat(parent, baseOf(path)));
    batch.try(mknodat(parent, baseOf(path), S.IFREG | 0o666));
    const target = batch.add(openInRoot(parent, baseOf(path), O.PATH | O.NOFOLLOW));
    batch.add(moveMount(tree, target));
    for (const fd of [tree, parent, target]) batch.add(close(fd));
    batch.part(`bind the host's ${source} on ${path}`);
  }
  batch.perform(init);
}
