/** Builds a batch. The result of each call can be an argument of later ones. */

import type { Call, ResultRef } from './kernel.ts';
import { result } from './struct.ts';

export class Batch {
  readonly calls: Call[] = [];

  /** Appends a call and returns the reference to its result. */
  add<Result extends number>(call: Call<Result>): ResultRef<Result> {
    this.calls.push(call);
    return result(this.calls.length - 1);
  }

  /** Appends a call whose failure does not stop the batch. */
  try<Result extends number>(call: Call<Result>): ResultRef<Result> {
    return this.add({ ...call, mayFail: true });
  }
}

/**
 * What a call of a batch returned.
 * @param results of the whole batch, as the kernel answered them
 * @returns 0 where the call was not performed
 */
export const resultOf = <Result extends number>(results: readonly number[], { index }: ResultRef<Result>): Result =>
  (results[index] ?? 0) as Result;
