/** What of the container's process can be set before `start`. */

import { close } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, post } from '../../native/kernel/perform.ts';
import type { Linux, Process } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { setLabels } from './labels.ts';
import { addLimits, addOpenFilesLimit } from './limits.ts';
import { addLookAround, type Surroundings } from './look-around.ts';
import { addMemoryPolicy } from './memory-policy.ts';
import { addPriorities } from './priorities.ts';
import { addFindProgram } from './program.ts';
import { addEnter, cwdError, makeWorkingDirectory } from './working-directory.ts';

interface PrepareOptions {
  /** This process. */
  readonly local: Kernel;
  readonly linux: Linux | undefined;
  /** Soft, of the command itself. */
  readonly openFilesLimit: number | undefined;
  /** Is told what `start` depends on, where that comes next: asked for along with all else. */
  readonly ahead?: ((surroundings: Surroundings) => void) | undefined;
  /** The init's pid, where the limits are to be set from outside: an init in a user namespace may not raise them. */
  readonly limited?: number | undefined;
}

/**
 * Limits, priorities, labels, the working directory, and whether the program is there: a missing one fails `create`, as with
 * runc. Posted.
 * @throws EffectError
 */
export function prepareProcess(
  kernel: Kernel,
  process: Process,
  { local, linux, openFilesLimit, ahead, limited }: PrepareOptions,
): void {
  const cpus = linux?.resources?.cpu?.cpus;
  if (limited !== undefined) {
    const batch = new PartedBatch();
    addLimits(batch, process, limited);
    addPriorities(batch, process, cpus, limited);
    batch.perform(local);
  }
  const batch = new PartedBatch();
  if (limited === undefined) {
    addLimits(batch, process);
    addPriorities(batch, process, cpus);
  }
  addMemoryPolicy(batch, linux?.memoryPolicy);
  addOpenFilesLimit(batch, local, process, openFilesLimit);
  const { entering, answerIn } = addQuestions(batch, process, ahead);
  // In the hope that the working directory is there and may be entered.
  const hopeful = batch.calls.map((one, i) => (entering.includes(i) ? { name: one.name, args: one.args } : one));
  post(kernel, hopeful, (outcome) => {
    const { stoppedAt = -1, results } = outcome;
    if (!entering.includes(stoppedAt)) {
      answerIn(kernel, batch.settle(outcome));
      return;
    }
    const opened = results[entering[0] ?? -1] ?? -1;
    if (opened >= 0) attempt(kernel, close(opened));
    prepareCarefully(kernel, process);
  });
  setLabels(kernel, process);
}

/** @returns what looks at the answers. @throws EffectError */
function addQuestions(batch: PartedBatch, process: Process, ahead: PrepareOptions['ahead']) {
  if (ahead === undefined) {
    const { entering } = addEnter(batch, process.cwd);
    const programIn = addFindProgram(batch, process);
    return { entering, answerIn: (_: Kernel, results: readonly number[]) => void programIn(results) };
  }
  const { entering, surroundingsIn } = addLookAround(batch, process);
  return {
    entering,
    answerIn: (kernel: Kernel, results: readonly number[]) => ahead(surroundingsIn(kernel, results)),
  };
}

function prepareCarefully(kernel: Kernel, process: Process): void {
  if (enter(kernel, process) !== ERRNO.ENOENT) return;
  makeWorkingDirectory(kernel, process.cwd);
  const errno = enter(kernel, process);
  if (errno > 0) throw cwdError(process.cwd, errno);
}

/** @returns 0, or ENOENT where there is no working directory. Denied is not decided: perhaps the process's own user may enter. */
function enter(kernel: Kernel, process: Process): number {
  const batch = new PartedBatch();
  const { errnoIn } = addEnter(batch, process.cwd);
  const programIn = addFindProgram(batch, process);
  const results = batch.perform(kernel);
  const errno = errnoIn(results);
  if (errno === ERRNO.ENOENT) return errno;
  if (errno > 0 && errno !== ERRNO.EACCES && errno !== ERRNO.EPERM) throw cwdError(process.cwd, errno);
  programIn(results);
  return 0;
}
