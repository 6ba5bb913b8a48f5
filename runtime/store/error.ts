/** Why a container's directory could not be used. */

import { SyscallError } from '../../native/kernel/perform.ts';

type StoreProblem = 'missing' | 'exists' | 'busy' | 'damaged' | 'failed';

/** One line; the texts for `missing` and `exists` are runc's, which engines match on. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly problem: StoreProblem;

  constructor(problem: StoreProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

export const missing = () => new StoreError('missing', 'container does not exist');
export const exists = () => new StoreError('exists', 'container with given ID already exists');

/** What was tried, and the reason: `cannot write the state of container c1: ENOSPC: no space left on device`. */
export function storeFailure(tried: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = cause instanceof SyscallError ? message.slice(cause.call.name.length + 2) : message;
  return new StoreError('failed', `cannot ${tried}: ${reason}`, { cause });
}

/** Whether an error says that of a container. */
export const isStoreError = (error: unknown, problem: StoreProblem): error is StoreError =>
  error instanceof StoreError && error.problem === problem;
