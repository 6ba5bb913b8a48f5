/** Performs mount steps in the init, in as few round trips as the rootfs allows. */

import { Batch } from '../../native/batch.ts';
import { close } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel.ts';
import { SyscallError } from '../../native/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { makePlaceholder, parentOf } from '../rootfs/in-root.ts';
import { addStep } from './add-step.ts';
import { copiesUp, copyUp } from './copy-up.ts';
import { complaint, describe, reasonOfStep } from './failure.ts';
import { keepsMode, withMode } from './kept-mode.ts';
import { type Placement, refuseOnProc } from './proc-guard.ts';
import type { BindStep, FilesystemStep, MountStep, SymlinkStep } from './steps.ts';

/**
 * Optimistic: all steps in one batch. Where it stops because a destination's parents are missing, they are made
 * one by one and the batch goes on with that step.
 * @param root the rootfs, opened in the init
 * @throws EffectError `mount proc on /proc: EPERM: operation not permitted`
 */
export function performMounts(kernel: Kernel, root: number, planned: readonly MountStep[]): void {
  const steps = [...planned];
  let next = 0;
  let prepared = -1;
  while (next < steps.length) {
    const first = steps[next];
    if (first !== undefined && copiesUp(first)) {
      copyUp(kernel, root, first);
      next++;
      continue;
    }
    const batch = new Batch();
    const ends: number[] = [];
    const placements: (readonly Placement[])[] = [];
    for (const step of portion(kernel, root, steps, next, prepared)) {
      placements.push(addStep(batch, root, step));
      ends.push(batch.calls.length);
    }
    const { results, stoppedAt } = kernel.submit(batch.calls);
    const done = stoppedAt === undefined ? ends.length : ends.findIndex((end) => stoppedAt < end);
    for (const placement of placements.slice(0, done).flat()) refuseOnProc(placement);
    if (stoppedAt === undefined) {
      next += done;
      continue;
    }
    const failed = next + done;
    const step = steps[failed];
    const call = batch.calls[stoppedAt];
    if (step === undefined || call === undefined) throw new RangeError('a batch stopped beyond its end');
    const error = new SyscallError(call, -(results[stoppedAt] ?? 0), stoppedAt);
    const begin = ends[failed - next - 1] ?? 0;
    const missing = call.name === 'openat2' && error.code === 'ENOENT' && isMade(step);
    const said = missing ? '' : complaint(kernel, batch, results, begin);
    closeLeftOpen(kernel, batch, results, begin);
    if (step.step === 'filesystem' && step.otherwise !== undefined && isForbidden(error)) {
      steps[failed] = step.otherwise;
      next = failed;
      continue;
    }
    if (!missing || !isMade(step) || prepared === failed)
      throw new EffectError(`${describe(step)}: ${reasonOfStep(step, error)}${said}`, { cause: error });
    try {
      if (step.step === 'symlink') makePlaceholder(kernel, root, parentOf(step.at), 'directory');
      else makePlaceholder(kernel, root, step.at, step.placeholder);
    } catch (cause) {
      throw new EffectError(`${describe(step)}: make the destination: ${reasonOf(cause)}`, { cause });
    }
    prepared = failed;
    next = failed;
  }
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
