/** Reads and writes the small files of the resctrl file system: Linux, Documentation/filesystems/resctrl.rst. */

import { faccessat2, openat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';

/** @throws SyscallError */
export const readTrimmed = (local: Kernel, path: string): string => readSmallFile(local, path).trim();

export const isThere = (local: Kernel, path: string): boolean => attempt(local, faccessat2(AT.FDCWD, path, 0)) >= 0;

/**
 * Writes a file by one write(2), which these files demand.
 * @param root where resctrl is mounted
 * @param what was tried, for the error
 * @throws EffectError with the kernel's own explanation, where it has one
 */
export function writeControl(local: Kernel, root: string, path: string, text: string, what: string): void {
  try {
    // With CREAT, as in runc: so it also works in a directory that only looks like resctrl.
    using file = opened(local, openat(AT.FDCWD, path, O.WRONLY | O.CREAT | O.TRUNC, 0o600));
    call(local, write(file.fd, text));
  } catch (error) {
    throw controlError(local, root, what, error);
  }
}

/** An error with the text of info/last_cmd_status, which says more than an errno. */
export function controlError(local: Kernel, root: string, what: string, error: unknown): EffectError {
  let status = '';
  try {
    status = `, last_cmd_status: ${readTrimmed(local, `${root}/info/last_cmd_status`)}`;
  } catch {
    // Older kernels do not have this file.
  }
  return new EffectError(`${what}: ${reasonOf(error)}${status}`, { cause: error });
}
