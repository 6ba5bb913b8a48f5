/** What of the container's process can be set before `start`. */

import { close, openat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel.ts';
import { attempt, call } from '../../native/perform.ts';
import type { Linux, Process } from '../../spec/types.ts';
import { PartedBatch } from '../parted-batch.ts';
import { makePlaceholder } from '../rootfs/in-root.ts';
import { setLabels } from './labels.ts';
import { addLimits, restoreOpenFilesLimit } from './limits.ts';
import { addMemoryPolicy } from './memory-policy.ts';
import { addPriorities } from './priorities.ts';
import { addFindProgram } from './program.ts';
import { addEnter, cwdError } from './working-directory.ts';

export interface PrepareOptions {
  readonly linux: Linux | undefined;
  /** Soft, of the command itself. */
  readonly openFilesLimit: number | undefined;
  /** Sets the limits from outside: an init in a user namespace may not raise them. `pid` is the init's. */
  readonly limiter?: { readonly kernel: Kernel; readonly pid: number } | undefined;
}

/**
 * Limits, priorities, labels, the working directory, and whether the program is there: a missing one fails `create`, as with runc.
 * @throws EffectError
 */
export function prepareProcess(kernel: Kernel, process: Process, options: PrepareOptions): void {
  const { openFilesLimit, limiter, linux } = options;
  if (limiter !== undefined) {
    const batch = new PartedBatch();
    addLimits(batch, process, limiter.pid);
    addPriorities(batch, process, linux?.resources?.cpu?.cpus, limiter.pid);
    batch.perform(limiter.kernel);
  }
  restoreOpenFilesLimit(kernel, process, openFilesLimit);
  if (prepare(kernel, process, options) === ERRNO.ENOENT) {
    makeWorkingDirectory(kernel, process.cwd);
    const errno = prepare(kernel, process, options);
    if (errno > 0) throw cwdError(process.cwd, errno);
  }
  setLabels(kernel, process);
}

/** @returns 0, or ENOENT where there is no working directory. Denied is not decided: perhaps the process's own user may enter. */
function prepare(kernel: Kernel, process: Process, { limiter, linux }: PrepareOptions): number {
  const batch = new PartedBatch();
  if (limiter === undefined) {
    addLimits(batch, process);
    addPriorities(batch, process, linux?.resources?.cpu?.cpus);
  }
  addMemoryPolicy(batch, linux?.memoryPolicy);
  const errnoIn = addEnter(batch, process.cwd);
  const programIn = addFindProgram(batch, process);
  const results = batch.perform(kernel);
  const errno = errnoIn(results);
  if (errno === ERRNO.ENOENT) return errno;
  if (errno > 0 && errno !== ERRNO.EACCES && errno !== ERRNO.EPERM) throw cwdError(process.cwd, errno);
  programIn(results);
  return 0;
}

/** A missing one is made, as runc does. */
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
