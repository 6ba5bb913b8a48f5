/** Finds out where a path leads. */

import { openat } from '../../native/calls/files.ts';
import { nameOfOpenFile } from '../../native/calls/read-link.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';

/**
 * The path of a bundle as `state` and hooks show it. As with runc, it is the path of the directory itself.
 * @param path absolute
 * @returns the path without symlinks. Where there is no such directory, the path that was given: whoever reads it
 * reports that
 */
export function realDirectory(kernel: Kernel, path: string): string {
  const directory = attempt(kernel, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  if (directory < 0) return path;
  using owned = new Owned(kernel, directory);
  const found = nameOfOpenFile(kernel, owned.fd);
  return found?.startsWith('/') ? found : path;
}
