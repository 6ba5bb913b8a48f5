/** What of the container's process can be set before `start`. */

import { chdir, close, openat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel.ts';
import { attempt, call } from '../../native/perform.ts';
import type { Process } from '../../spec/types.ts';
import { makePlaceholder } from '../rootfs/in-root.ts';
import { cwdError } from './execute.ts';
import { applyLimits } from './limits.ts';
import { findProgram } from './program.ts';

/**
 * Limits, the working directory, and whether the program is there: a missing one fails `create`, as with runc.
 * @throws EffectError
 */
export function prepareProcess(kernel: Kernel, process: Process, openFilesLimit: number | undefined): void {
  applyLimits(kernel, process, openFilesLimit);
  enterWorkingDirectory(kernel, process);
  findProgram(kernel, process);
}

/** A missing one is made, as runc does. Denied is not decided: perhaps the process's own user may enter. */
function enterWorkingDirectory(kernel: Kernel, process: Process): void {
  let errno = -attempt(kernel, chdir(process.cwd));
  if (errno === ERRNO.ENOENT) {
    makeWorkingDirectory(kernel, process.cwd);
    errno = -attempt(kernel, chdir(process.cwd));
  }
  if (errno > 0 && errno !== ERRNO.EACCES && errno !== ERRNO.EPERM) throw cwdError(process.cwd, errno);
}

function makeWorkingDirectory(kernel: Kernel, cwd: string): void {
  const root = call(kernel, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  try {
    makePlaceholder(kernel, root, cwd, 'directory');
  } catch {
    // A read-only rootfs, say: entering it tells why it is not there.
  } finally {
    attempt(kernel, close(root));
  }
}
