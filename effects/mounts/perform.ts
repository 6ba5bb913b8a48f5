/** Performs mount steps in the init, in as few round trips as the rootfs allows. */

import { close } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { O } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel, Outcome } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { failureOf, flush, post, type SyscallError } from '../../native/kernel/perform.ts';
import { EffectError, reasonOf } from '../error.ts';
import { makePlaceholder, openInRoot, parentOf } from '../paths/in-root.ts';
import { addStep } from './add-step.ts';
import { copiesUp, copyUp } from './copy-up.ts';
import { complaint, describe, reasonOfStep } from './failure.ts';
import { keepsMode, withMode } from './kept-mode.ts';
import { type ProcCheck, refuseOnProc } from './proc-guard.ts';
import type { BindStep, FilesystemStep, MountStep, SymlinkStep } from './steps.ts';

/**
 * How many steps one batch takes. A step's calls and answers take 1.4 kB, and an init takes messages of 8 MB; but the
 * answers of some batches have to fit into a socket while we write the next one (native/performers/connection.ts).
 */
const STEPS_OF_A_BATCH = 128;

/**
 * Posts all steps in one batch, or in some where there are many, unless a step depends on what those before it have
 * done. If a batch stops because the parents of a destination are missing, they are made one by one, and the next batch
 * goes on with that step.
 * @param root the rootfs, open in the init
 * @throws EffectError `mount proc on /proc: EPERM: operation not permitted`
 */
export function performMounts(kernel: Kernel, root: Fd, steps: readonly MountStep[]): void {
  for (let begin = 0; begin < steps.length; begin += STEPS_OF_A_BATCH)
    performPortion(kernel, root, steps.slice(begin, begin + STEPS_OF_A_BATCH));
}

function performPortion(kernel: Kernel, root: Fd, steps: readonly MountStep[]): void {
  if (steps.some((step) => keepsMode(step) || copiesUp(step))) {
    flush(kernel);
    performFrom({ kernel, root, steps: [...steps] }, START);
    return;
  }
  const attempt = attemptOf(root, steps);
  post(kernel, attempt.batch.calls, (outcome) => {
    const failure = failedStep(attempt, outcome);
    if (failure === undefined) return;
    const mounting = { kernel, root, steps: [...steps] };
    performFrom(mounting, recover(mounting, START, attempt, failure));
  });
}

interface Mounting {
  readonly kernel: Kernel;
  readonly root: Fd;
  /** A step is replaced here by its `otherwise`, once it turns out to be forbidden. */
  readonly steps: MountStep[];
}

/** How far it came. */
interface Progress {
  /** The step to go on with. */
  readonly next: number;
  /** The step whose destination was made, before the step is tried again. */
  readonly prepared: number;
}

const START: Progress = { next: 0, prepared: -1 };

/** @throws EffectError */
function performFrom(mounting: Mounting, from: Progress): void {
  const { kernel, root, steps } = mounting;
  let at = from;
  while (at.next < steps.length) {
    const { next, prepared } = at;
    const first = steps[next];
    if (first !== undefined && copiesUp(first)) {
      copyUp(kernel, root, first);
      at = { next: next + 1, prepared };
      continue;
    }
    const attempt = attemptOf(root, portion(mounting, at));
    const failure = failedStep(attempt, kernel.submit(attempt.batch.calls));
    at =
      failure === undefined ? { next: next + attempt.parts.length, prepared } : recover(mounting, at, attempt, failure);
  }
}

/** The calls of one step in a batch, from `begin` to before `end`. */
interface Part {
  readonly begin: number;
  readonly end: number;
  readonly checks: readonly ProcCheck[];
}

/** Steps as one batch. */
interface Attempt {
  readonly batch: Batch;
  /** One for each step, in order. */
  readonly parts: readonly Part[];
}

function attemptOf(root: Fd, steps: readonly MountStep[]): Attempt {
  const batch = new Batch();
  const parts = steps.map((step): Part => {
    const begin = batch.calls.length;
    const checks = addStep(batch, root, step);
    return { begin, end: batch.calls.length, checks };
  });
  return { batch, parts };
}

/** The step at which an attempt stopped. */
interface Failure {
  /** How many steps of the attempt were done before it. */
  readonly done: number;
  /** The step's first call in the batch. */
  readonly begin: number;
  readonly results: readonly number[];
  readonly error: SyscallError;
}

/** Checks the steps that were done. @returns the step that was not, if there is one. @throws EffectError */
function failedStep({ batch, parts }: Attempt, outcome: Outcome): Failure | undefined {
  const error = failureOf(batch.calls, outcome);
  const done = error === undefined ? parts.length : parts.findIndex(({ end }) => error.index < end);
  for (const { checks } of parts.slice(0, done)) for (const check of checks) refuseOnProc(check);
  return error && { done, begin: parts[done]?.begin ?? 0, results: outcome.results, error };
}

/**
 * Does what another attempt needs.
 * @throws EffectError if there is nothing to be done
 */
function recover(
  mounting: Mounting,
  { next, prepared }: Progress,
  { batch }: Attempt,
  { done, begin, results, error }: Failure,
): Progress {
  const { kernel, root, steps } = mounting;
  const at = next + done;
  const step = steps[at];
  if (step === undefined) throw new RangeError('a batch has more steps than there are');
  const missing = error.call.name === 'openat2' && error.code === 'ENOENT' && isMade(step);
  const said = missing ? '' : complaint(kernel, batch, results, begin);
  closeLeftOpen(kernel, batch, results, begin);
  if (step.step === 'filesystem' && step.otherwise !== undefined && isForbidden(error)) {
    steps[at] = step.otherwise;
    return { next: at, prepared };
  }
  if (step.step === 'symlink' && isThere(mounting, step, error)) return { next: at + 1, prepared };
  if (!missing || !isMade(step) || prepared === at)
    throw new EffectError(`${describe(step)}: ${reasonOfStep(step, error)}${said}`, {
      cause: error,
      about: { path: step.at },
    });
  try {
    if (step.step === 'symlink') makePlaceholder(kernel, root, parentOf(step.at), 'directory');
    else makePlaceholder(kernel, root, step.at, step.placeholder);
  } catch (cause) {
    throw new EffectError(`${describe(step)}: make the destination: ${reasonOf(cause)}`, {
      cause,
      about: { path: step.at },
    });
  }
  return { next: at, prepared: at };
}

/**
 * The steps of the next batch. It ends before a step that keeps the permissions of what it covers: they are known once
 * all steps before it have been performed. A step whose mount point we have made ourselves has none to keep.
 */
function portion({ kernel, root, steps }: Mounting, { next, prepared }: Progress): readonly MountStep[] {
  const end = steps.findIndex((step, i) => i > next && (keepsMode(step) || copiesUp(step)));
  const taken = steps.slice(next, end < 0 ? undefined : end);
  return taken.map((step, i) =>
    i === 0 && next !== prepared && keepsMode(step) ? withMode(kernel, root, step) : step,
  );
}

/** Whether a link that may exist is there, and says the same. */
function isThere({ kernel, root }: Mounting, { at, target, mayExist }: SymlinkStep, error: SyscallError): boolean {
  if (!mayExist || error.call.name !== 'symlinkat' || error.code !== 'EEXIST') return false;
  using link = opened(kernel, openInRoot(root, at, O.PATH | O.NOFOLLOW));
  return readLink(kernel, link.fd, '') === target;
}

/** Whether the step makes its destination if there is nothing. */
const isMade = (step: MountStep): step is FilesystemStep | BindStep | SymlinkStep =>
  step.step !== 'attributes' && step.step !== 'remount';

/** Whether the kernel refuses a new instance of the file system, and not its mount point. */
const isForbidden = ({ call, code }: SyscallError): boolean =>
  ['fsopen', 'fsconfig', 'fsmount'].includes(call.name) && (code === 'EPERM' || code === 'EBUSY');

/** Closes the descriptors that the failed step had opened. A step closes them itself, but only at its end. */
function closeLeftOpen(kernel: Kernel, batch: Batch, results: readonly number[], begin: number): void {
  const open = new Set<Fd>();
  for (let i = begin; i < results.length; i++) {
    const name = batch.calls[i]?.name;
    const result = results[i] ?? -1;
    if (name === 'close') for (const fd of closedBy(batch, results, i)) open.delete(fd);
    else if (result >= 0 && OPENING.has(name ?? '')) open.add(result);
  }
  if (open.size > 0) kernel.submit([...open].map((fd) => ({ ...close(fd), mayFail: true })));
}

const OPENING = new Set(['openat2', 'fsopen', 'fsmount', 'fspick', 'open_tree']);

function closedBy(batch: Batch, results: readonly number[], index: number): readonly Fd[] {
  const arg = batch.calls[index]?.args[0];
  if (typeof arg === 'number') return [arg];
  if (typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result')
    return [results[arg.index] ?? -1];
  return [];
}
