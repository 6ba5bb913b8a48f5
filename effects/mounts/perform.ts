/** Performs mount steps in the init, in as few round trips as the rootfs allows. */

import { close } from '../../native/calls/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, Outcome } from '../../native/kernel/kernel.ts';
import { flush, post, SyscallError } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { makePlaceholder, parentOf } from '../paths/in-root.ts';
import { addStep } from './add-step.ts';
import { copiesUp, copyUp } from './copy-up.ts';
import { complaint, describe, reasonOfStep } from './failure.ts';
import { keepsMode, withMode } from './kept-mode.ts';
import { type Placement, refuseOnProc } from './proc-guard.ts';
import type { BindStep, FilesystemStep, MountStep, SymlinkStep } from './steps.ts';

/**
 * Optimistic: all steps in one batch, posted where no step depends on what those before it have done. Where it stops
 * because a destination's parents are missing, they are made one by one and the batch goes on with that step.
 * @param root the rootfs, opened in the init
 * @throws EffectError `mount proc on /proc: EPERM: operation not permitted`
 */
export function performMounts(kernel: Kernel, root: number, steps: readonly MountStep[]): void {
  if (steps.some((step) => keepsMode(step) || copiesUp(step))) {
    flush(kernel);
    performFrom(kernel, root, [...steps], START);
    return;
  }
  const attempted = attemptOf(root, steps);
  post(kernel, attempted.batch.calls, (outcome) => {
    const failed = settle(attempted, outcome);
    if (failed === undefined) return;
    const left = [...steps];
    performFrom(kernel, root, left, recover(kernel, root, left, START, attempted, outcome, failed));
  });
}

interface Place {
  /** The step to go on with. */
  readonly next: number;
  /** The step whose destination was made. */
  readonly prepared: number;
}

const START: Place = { next: 0, prepared: -1 };

function performFrom(kernel: Kernel, root: number, steps: MountStep[], from: Place): void {
  let at = from;
  while (at.next < steps.length) {
    const { next, prepared } = at;
    const first = steps[next];
    if (first !== undefined && copiesUp(first)) {
      copyUp(kernel, root, first);
      at = { next: next + 1, prepared };
      continue;
    }
    const attempted = attemptOf(root, portion(kernel, root, steps, next, prepared));
    const outcome = kernel.submit(attempted.batch.calls);
    const failed = settle(attempted, outcome);
    at =
      failed === undefined
        ? { next: next + attempted.ends.length, prepared }
        : recover(kernel, root, steps, at, attempted, outcome, failed);
  }
}

/** Steps as a batch; `ends[i]` is the number of calls up to the end of the i-th. */
interface Attempt {
  readonly batch: Batch;
  readonly ends: readonly number[];
  readonly placements: readonly (readonly Placement[])[];
}

function attemptOf(root: number, steps: readonly MountStep[]): Attempt {
  const batch = new Batch();
  const ends: number[] = [];
  const placements = steps.map((step) => {
    const placed = addStep(batch, root, step);
    ends.push(batch.calls.length);
    return placed;
  });
  return { batch, ends, placements };
}

/** Looks at where the steps that were done have led. @returns the step that failed, by its place in the attempt */
function settle({ ends, placements }: Attempt, { stoppedAt }: Outcome): number | undefined {
  const failed = stoppedAt === undefined ? undefined : ends.findIndex((end) => stoppedAt < end);
  for (const placement of placements.slice(0, failed).flat()) refuseOnProc(placement);
  return failed;
}

/**
 * Does what another attempt needs. `steps[from.next + failed]` is the step that failed.
 * @throws EffectError where there is nothing to be done
 */
function recover(
  kernel: Kernel,
  root: number,
  steps: MountStep[],
  { next, prepared }: Place,
  { batch, ends }: Attempt,
  { results, stoppedAt = -1 }: Outcome,
  failed: number,
): Place {
  const at = next + failed;
  const step = steps[at];
  const call = batch.calls[stoppedAt];
  if (step === undefined || call === undefined) throw new RangeError('a batch stopped beyond its end');
  const error = new SyscallError(call, -(results[stoppedAt] ?? 0), stoppedAt);
  const begin = ends[failed - 1] ?? 0;
  const missing = call.name === 'openat2' && error.code === 'ENOENT' && isMade(step);
  const said = missing ? '' : complaint(kernel, batch, results, begin);
  closeLeftOpen(kernel, batch, results, begin);
  if (step.step === 'filesystem' && step.otherwise !== undefined && isForbidden(error)) {
    steps[at] = step.otherwise;
    return { next: at, prepared };
  }
  if (!missing || !isMade(step) || prepared === at)
    throw new EffectError(`${describe(step)}: ${reasonOfStep(step, error)}${said}`, { cause: error });
  try {
    if (step.step === 'symlink') makePlaceholder(kernel, root, parentOf(step.at), 'directory');
    else makePlaceholder(kernel, root, step.at, step.placeholder);
  } catch (cause) {
    throw new EffectError(`${describe(step)}: make the destination: ${reasonOf(cause)}`, { cause });
  }
  return { next: at, prepared: at };
}

/**
 * What the next batch holds: the permissions of what a step covers are known once all before it has been performed.
 * @param prepared the step whose mount point we have made, and which has none to keep
 */
function portion(
  kernel: Kernel,
  root: number,
  steps: readonly MountStep[],
  from: number,
  prepared: number,
): readonly MountStep[] {
  const end = steps.findIndex((step, i) => i > from && (keepsMode(step) || copiesUp(step)));
  const taken = steps.slice(from, end < 0 ? undefined : end);
  return taken.map((step, i) =>
    i === 0 && from !== prepared && keepsMode(step) ? withMode(kernel, root, step) : step,
  );
}

/** Whether the step makes its destination where nothing is. */
const isMade = (step: MountStep): step is FilesystemStep | BindStep | SymlinkStep =>
  step.step !== 'attributes' && step.step !== 'remount';

/** Not of the destination, but of an instance of the file system. */
const isForbidden = ({ call, code }: SyscallError): boolean =>
  ['fsopen', 'fsconfig', 'fsmount'].includes(call.name) && (code === 'EPERM' || code === 'EBUSY');

/** The descriptors that the failed step had opened: a step closes what it opens, but only at its end. */
function closeLeftOpen(kernel: Kernel, batch: Batch, results: readonly number[], from: number): void {
  const opened = new Set<number>();
  for (let i = from; i < results.length; i++) {
    const name = batch.calls[i]?.name;
    const result = results[i] ?? -1;
    if (name === 'close') for (const fd of closedBy(batch, results, i)) opened.delete(fd);
    else if (result >= 0 && OPENING.has(name ?? '')) opened.add(result);
  }
  if (opened.size > 0) kernel.submit([...opened].map((fd) => ({ ...close(fd), mayFail: true })));
}

const OPENING = new Set(['openat2', 'fsopen', 'fsmount', 'fspick', 'open_tree']);

function closedBy(batch: Batch, results: readonly number[], index: number): readonly number[] {
  const arg = batch.calls[index]?.args[0];
  if (typeof arg === 'number') return [arg];
  if (typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result')
    return [results[arg.index] ?? -1];
  return [];
}
