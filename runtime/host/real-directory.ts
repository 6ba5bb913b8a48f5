/** Where a path leads. */

import { close, openat, readlinkat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';

/**
 * A bundle as `state` and hooks show it: runc goes there, and asks where it is.
 * @param path absolute
 * @returns the path without symlinks; the same where there is no such directory, for whoever reads it to say so
 */
export function realDirectory(kernel: Kernel, path: string): string {
  const directory = attempt(kernel, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  if (directory < 0) return path;
  const target = out(4096);
  const length = attempt(kernel, readlinkat(AT.FDCWD, `/proc/self/fd/${directory}`, target));
  attempt(kernel, close(directory));
  // A longer one is cut off.
  if (length < 0 || length === target.bytes.length) return path;
  const found = new TextDecoder().decode(target.bytes.subarray(0, length));
  return found.startsWith('/') ? found : path;
}
