/** Where a path of a config leads in a rootfs. CRIU knows a mount point by the path where it really is. */

import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { baseOf, openInRoot, parentOf } from '../paths/in-root.ts';

/**
 * Follows symlinks, below the root only. For what is not there, the path is where it would be made.
 * @param kernel of a process that sees itself in /proc
 * @param root a descriptor of that process
 */
export function resolvedInRoot(kernel: Kernel, root: Fd, path: string): string {
  const base = pathOfOpenFile(kernel, root);
  const below = (full: string): string => (base === '/' ? full : full.slice(base.length) || '/');
  const found = attempt(kernel, openInRoot(root, path, O.PATH));
  if (found >= 0) {
    using file = new Owned(kernel, found);
    return below(pathOfOpenFile(kernel, file.fd));
  }
  if (found !== -ERRNO.ENOENT || baseOf(path) === '') return path;
  const parent = resolvedInRoot(kernel, root, parentOf(path));
  return `${parent === '/' ? '' : parent}/${baseOf(path)}`;
}
