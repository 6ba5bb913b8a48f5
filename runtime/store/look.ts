/** What `state` and `list` ask: a look without lock, without a machine, without a trace. */

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
  /** For all: that there is no root is an error. */
  readonly rootMustExist?: boolean;
}

export interface View {
  readonly status: Status;
  readonly record: ContainerRecord;
}

/** @throws StoreError `missing`, `damaged` */
export async function lookAt({ kernel, root, observe }: LookOptions, id: string): Promise<View> {
  const directory = openDirectory(kernel, root, id);
  let text: string | undefined;
  try {
    text = readState(kernel, directory);
  } finally {
    closeDirectory(kernel, directory);
  }
  if (text === undefined) throw missing();
  const { state, record } = decodeState(text, root, id);
  return { record, status: statusIn(mayHaveChanged(state) ? observedState(record, await observe(record)) : state) };
}

/** Every container below the root, in the order of their names; `problem` for those that can't be read. */
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
