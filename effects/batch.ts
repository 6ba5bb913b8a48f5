/** A batch of several parts, each with words for what it does: one round trip, and still an error that says what failed. */

import { Batch } from '../native/kernel/batch.ts';
import type { Kernel, Outcome } from '../native/kernel/kernel.ts';
import { failureOf, post, type SyscallError } from '../native/kernel/perform.ts';
import { EffectError, reasonOf } from './error.ts';

/** What a part does, or that of one whose reason says more than the errno. */
type Words = string | ((error: SyscallError) => string);

export class PartedBatch extends Batch {
  readonly #parts: { readonly end: number; readonly what: Words }[] = [];

  /** Ends a part: what has been added since the last one is told as `what` when it fails. */
  part(what: Words): void {
    this.#parts.push({ end: this.calls.length, what });
  }

  /** @throws EffectError `bring the loopback interface up: EPERM: operation not permitted` */
  perform(kernel: Kernel): readonly number[] {
    return this.settle(kernel.submit(this.calls));
  }

  /**
   * The same without waiting, where the kernel can do that.
   * @param then is told the results; what it throws, and an EffectError as of `perform`, comes out of whatever waits next
   */
  post(kernel: Kernel, then: (results: readonly number[]) => void = () => undefined): void {
    post(kernel, this.calls, (outcome) => then(this.settle(outcome)));
  }

  /** @throws EffectError as `perform` does */
  settle(outcome: Outcome): readonly number[] {
    const error = failureOf(this.calls, outcome);
    if (error === undefined) return outcome.results;
    const what = this.#parts.find(({ end }) => error.index < end)?.what ?? error.call.name;
    const words = typeof what === 'string' ? what : what(error);
    throw new EffectError(`${words}: ${reasonOf(error)}`, { cause: error });
  }
}
