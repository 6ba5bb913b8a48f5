/** Where a path of a config leads in a rootfs: mount points are known by the path at which they really are. */

import { close } from '../../native/calls/files.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { baseOf, openInRoot, parentOf } from '../paths/in-root.ts';

/**
 * Follows symlinks, below the root only. What is not there is where it would be made.
 * @param kernel of a process that sees its own /proc
 * @param root a descriptor of its
 */
export function resolvedInRoot(kernel: Kernel, root: number, path: string): string {
  const base = pathOfOpenFile(kernel, root);
  const below = (found: string): string => (base === '/' ? found : found.slice(base.length) || '/');
  const fd = attempt(kernel, openInRoot(root, path, O.PATH));
  if (fd >= 0) {
    try {
      return below(pathOfOpenFile(kernel, fd));
    } finally {
      attempt(kernel, close(fd));
    }
  }
  if (fd !== -ERRNO.ENOENT || baseOf(path) === '') return path;
  const parent = resolvedInRoot(kernel, root, parentOf(path));
  return `${parent === '/' ? '' : parent}/${baseOf(path)}`;
}
