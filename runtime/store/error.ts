/** Why a container's directory could not be used. */

import { reasonOf } from '../../effects/error.ts';

type StoreProblem = 'missing' | 'exists' | 'busy' | 'damaged' | 'failed';

/**
 * A problem with a container's directory. Engines match on the messages for `missing` and `exists`, which are runc's.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly problem: StoreProblem;

  constructor(problem: StoreProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** Engines look for the first words. */
export const missing = (root: string, id: string) =>
  new StoreError('missing', `container does not exist: ${id} is not in ${root}`);
export const exists = () => new StoreError('exists', 'container with given ID already exists');

/**
 * An error that says what was tried, and why it failed: `cannot write the state of container c1: ENOSPC: no space left
 * on device`.
 */
export function storeFailure(tried: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return new StoreError('failed', `cannot ${tried}: ${reasonOf(cause)}`, { cause });
}

/** Whether an error is a StoreError about this problem. */
export const isStoreError = (error: unknown, problem: StoreProblem): error is StoreError =>
  error instanceof StoreError && error.problem === problem;
