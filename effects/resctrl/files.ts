/** The small files of the resctrl file system: Documentation/filesystems/resctrl.rst of Linux. */

import { close, faccessat2, openat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';

/** @throws SyscallError */
export const readTrimmed = (local: Kernel, path: string): string => readSmallFile(local, path).trim();

export const isThere = (local: Kernel, path: string): boolean => attempt(local, faccessat2(AT.FDCWD, path, 0)) >= 0;

/**
 * In one write(2), as these files take it.
 * @param what is told where it fails
 * @throws EffectError with the kernel's own word for it, where it has one
 */
export function writeControl(local: Kernel, root: string, path: string, text: string, what: string): void {
  try {
    // CREAT: as runc opens them, for a tree that is only made to look like resctrl.
    const file = call(local, openat(AT.FDCWD, path, O.WRONLY | O.CREAT | O.TRUNC, 0o600));
    try {
      perform(local, [write(file, text)]);
    } finally {
      attempt(local, close(file));
    }
  } catch (error) {
    throw controlError(local, root, what, error);
  }
}

/** info/last_cmd_status says more than an errno. */
export function controlError(local: Kernel, root: string, what: string, error: unknown): EffectError {
  let status = '';
  try {
    status = `, last_cmd_status: ${readTrimmed(local, `${root}/info/last_cmd_status`)}`;
  } catch {
    // Older kernels have none.
  }
  return new EffectError(`${what}: ${reasonOf(error)}${status}`, { cause: error });
}
