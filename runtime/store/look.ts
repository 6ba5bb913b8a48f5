/**
 * Looks at containers for `state` and `list`: without taking the lock, without running the machine, and without
 * changing anything.
 */

import { mayHaveChanged, observedState, statusIn } from '../../machines/rules.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord, Facts } from '../../spec/record.ts';
import type { Status } from '../../spec/types.ts';
import { closeDirectory, listDirectories, openDirectory, readState } from './directory.ts';
import { isStoreError, missing } from './error.ts';
import { decodeState } from './state-file.ts';

interface LookOptions {
  readonly kernel: Kernel;
  readonly root: string;
  readonly observe: (record: ContainerRecord) => Facts | Promise<Facts>;
  /** Makes it an error for `lookAtAll` that there is no state root. */
  readonly rootMustExist?: boolean;
}

export interface View {
  readonly status: Status;
  readonly record: ContainerRecord;
}

/** A container's record, and its status now. @throws StoreError `missing`, `damaged` */
export async function lookAt({ kernel, root, observe }: LookOptions, id: string): Promise<View> {
  const directory = openDirectory(kernel, root, id);
  let text: string | undefined;
  try {
    text = readState(kernel, directory);
  } finally {
    closeDirectory(kernel, directory);
  }
  if (text === undefined) throw missing(root, id);
  const { state, record } = decodeState(text, root, id);
  return { record, status: statusIn(mayHaveChanged(state) ? observedState(record, await observe(record)) : state) };
}

/**
 * Looks at every container below the state root, in the order of their names. `problem` says why one cannot be read.
 */
export async function lookAtAll(
  options: LookOptions,
): Promise<readonly { readonly id: string; readonly view?: View; readonly problem?: unknown }[]> {
  const found = [];
  for (const id of listDirectories(options.kernel, options.root, options.rootMustExist !== true)) {
    try {
      found.push({ id, view: await lookAt(options, id) });
    } catch (problem) {
      if (!isStoreError(problem, 'missing')) found.push({ id, problem });
    }
  }
  return found;
}
