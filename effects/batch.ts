/**
 * A batch of several parts, each with words for what it does. It takes one round trip, and still the error says what
 * failed.
 */

import { Batch } from '../native/kernel/batch.ts';
import type { Kernel, Outcome } from '../native/kernel/kernel.ts';
import { failureOf, post, type SyscallError } from '../native/kernel/perform.ts';
import { submitAwaited, type Waiting } from './answers.ts';
import { EffectError, reasonOf } from './error.ts';

/** What a part does; or a function that says so once it has failed, where the errno alone says too little. */
type Words = string | ((error: SyscallError) => string);

export class PartedBatch extends Batch {
  readonly #parts: { readonly end: number; readonly what: Words }[] = [];

  /** Ends a part. If one of the calls fails that were added since the last part, the error begins with `what`. */
  part(what: Words): void {
    this.#parts.push({ end: this.calls.length, what });
  }

  /** @throws EffectError `bring the loopback interface up: EPERM: operation not permitted` */
  perform(kernel: Kernel): readonly number[] {
    return this.settle(kernel.submit(this.calls));
  }

  /** The same; where the engine has other things to do, it does not stand still. @throws EffectError */
  async performAwaited(platform: Waiting, kernel: Kernel): Promise<readonly number[]> {
    return this.settle(await submitAwaited(platform, kernel, this.calls));
  }

  /**
   * Posts the batch: performs it without waiting, where the kernel can do that.
   * @param then gets the results. What it throws comes out of whatever waits next, as does the EffectError of a failure
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
