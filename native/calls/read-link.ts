/** Where a symbolic link leads. */

import { ERRNO } from '../constants/errno.ts';
import { AT } from '../constants/files.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, SyscallError } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import { readlinkat } from './files.ts';

/** The longest text that the kernel follows a link to (path_resolution(7)). */
const PATH_MAX = 4096;

/**
 * What a symbolic link says.
 * @returns undefined where there is no such link, or where its text is longer than a path can be
 */
export function readLink(kernel: Kernel, directory: Fd, path: string): string | undefined {
  const target = look(kernel, directory, path);
  return typeof target === 'string' ? target : undefined;
}

/**
 * The kernel's name for an open file of the performer: its path from the root of its mount namespace, or a name such as
 * `pipe:[123]`. Undefined where the descriptor is not open.
 */
export const nameOfOpenFile = (kernel: Kernel, fd: Fd): string | undefined =>
  readLink(kernel, AT.FDCWD, `/proc/self/fd/${fd}`);

/** The kernel's name for an open file of the performer. @throws SyscallError */
export function pathOfOpenFile(kernel: Kernel, fd: Fd): string {
  const path = `/proc/self/fd/${fd}`;
  const target = look(kernel, AT.FDCWD, path);
  if (typeof target !== 'string') throw new SyscallError({ name: 'readlinkat', args: [AT.FDCWD, path] }, target);
  return target;
}

/** @returns the link's text, or a positive errno */
function look(kernel: Kernel, directory: Fd, path: string): string | number {
  const text = out(PATH_MAX);
  const length = attempt(kernel, readlinkat(directory, path, text));
  if (length < 0) return -length;
  // readlinkat(2) cuts a longer text off without saying so.
  if (length === PATH_MAX) return ERRNO.ENAMETOOLONG;
  return new TextDecoder().decode(text.bytes.subarray(0, length));
}
