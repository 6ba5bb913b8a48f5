/** Sets what can be set of the container's process before `start`. */

import { close } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { attempt, post } from '../../native/kernel/perform.ts';
import type { Linux, Process } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { setLabels } from './labels.ts';
import { addLimits, addOpenFilesLimit } from './limits.ts';
import { addLookAround, type Surroundings } from './look-around.ts';
import { addMemoryPolicy } from './memory-policy.ts';
import { addPriorities } from './priorities.ts';
import { addFindProgram } from './program.ts';
import { addEnter, cwdError, type Entering, makeWorkingDirectory } from './working-directory.ts';

interface PrepareOptions {
  /** This process. */
  readonly local: Kernel;
  readonly linux: Linux | undefined;
  /** The soft limit of open files that the command was started with. */
  readonly openFilesLimit: number | undefined;
  /** Hears what `start` depends on, where `start` comes next. It is asked for along with all else. */
  readonly ahead?: ((surroundings: Surroundings) => void) | undefined;
  /** The init's pid, where its limits are set from outside: an init in a user namespace may not raise them. */
  readonly limited?: Pid | undefined;
}

/**
 * Sets limits, priorities and labels, enters the working directory, and looks for the program: if it is missing,
 * `create` fails, as with runc. The calls are posted.
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
  const { opened, entered, answerIn } = addQuestions(batch, process, ahead);
  // We hope that the working directory is there and may be entered: the batch stops where that fails.
  const hopeful = batch.calls.map((one, i) =>
    i === opened.index || i === entered.index ? { name: one.name, args: one.args } : one,
  );
  post(kernel, hopeful, (outcome) => {
    const { stoppedAt, results } = outcome;
    if (stoppedAt === entered.index) attempt(kernel, close(resultOf(results, opened)));
    if (stoppedAt === opened.index || stoppedAt === entered.index) prepareCarefully(kernel, process);
    else answerIn(kernel, batch.settle(outcome));
  });
  setLabels(kernel, process);
}

interface Questions extends Entering {
  /** Looks at the answers. @throws EffectError */
  readonly answerIn: (kernel: Kernel, results: readonly number[]) => void;
}

function addQuestions(batch: PartedBatch, process: Process, ahead: PrepareOptions['ahead']): Questions {
  if (ahead === undefined) {
    const entering = addEnter(batch, process.cwd);
    const programIn = addFindProgram(batch, process);
    return { ...entering, answerIn: (_, results) => void programIn(results) };
  }
  const { surroundingsIn, ...entering } = addLookAround(batch, process);
  return { ...entering, answerIn: (kernel, results) => ahead(surroundingsIn(kernel, results)) };
}

/** Makes the working directory if it is missing, and asks again. @throws EffectError */
function prepareCarefully(kernel: Kernel, process: Process): void {
  if (enter(kernel, process) !== ERRNO.ENOENT) return;
  makeWorkingDirectory(kernel, process.cwd);
  const errno = enter(kernel, process);
  if (errno > 0) throw cwdError(process.cwd, errno);
}

/**
 * @returns ENOENT where there is no working directory; 0 where it was entered, and where that was denied: perhaps the
 * process's own user may enter it
 * @throws EffectError
 */
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
