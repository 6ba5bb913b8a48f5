/**
 * Waits for what another process was asked for. A command stands still meanwhile, since that takes less time. A program
 * that uses the library has other things to do: there the engine goes on (`Platform.answers`).
 */

import type { Call, Kernel, Outcome } from '../native/kernel/kernel.ts';
import { failureOf, flush, post } from '../native/kernel/perform.ts';
import type { AnswerOptions, Platform } from '../native/platform.ts';

/** By which answers are awaited. Without `answers`, the engine stands still. */
export type Waiting = Pick<Platform, 'answers'>;

/** Waits for the answers to all that was posted. @throws what `flush` throws */
export async function awaitAnswers(platform: Waiting, kernel: Kernel, options?: AnswerOptions): Promise<void> {
  if (platform.answers !== undefined) await platform.answers(kernel, options);
  flush(kernel);
}

/** Performs a batch as `Kernel.submit` does. @throws what that throws */
export async function submitAwaited(
  platform: Waiting,
  kernel: Kernel,
  calls: readonly Call[],
  options?: AnswerOptions,
): Promise<Outcome> {
  if (platform.answers === undefined) return kernel.submit(calls);
  let outcome: Outcome = { results: [], stoppedAt: undefined };
  post(kernel, calls, (own) => {
    outcome = own;
  });
  await awaitAnswers(platform, kernel, options);
  return outcome;
}

/** The same. @throws SyscallError for the call that stopped it */
export async function performAwaited(
  platform: Waiting,
  kernel: Kernel,
  calls: readonly Call[],
): Promise<readonly number[]> {
  const outcome = await submitAwaited(platform, kernel, calls);
  const failure = failureOf(calls, outcome);
  if (failure !== undefined) throw failure;
  return outcome.results;
}
