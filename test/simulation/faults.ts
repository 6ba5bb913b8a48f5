/**
 * Faults on purpose: the nth system call of an operation fails without being performed, or the operation dies there.
 * One plan counts the calls of all kernels that take part, real or simulated. So a test can let each call fail once.
 */

import { ERRNO, type ErrnoName } from '../../native/constants/errno.ts';
import type { Arg, Call, Kernel, Outcome } from '../../native/kernel/kernel.ts';

/** What befalls a call: an error, or the death of whoever asked for it. All calls before it have been performed. */
export type Fault = ErrnoName | 'die';

/** Decides what befalls a call. @param n its number, from 1 on, among the calls that the plan sees */
export type ShouldFail = (n: number, call: Call, performer: string) => Fault | undefined;

/** A fault strikes the nth call, and no other. */
export const onlyCall =
  (nth: number, fault: Fault): ShouldFail =>
  (n) =>
    n === nth ? fault : undefined;

export interface Struck {
  readonly n: number;
  readonly call: Call;
  readonly performer: string;
  readonly fault: Fault;
}

export class FaultPlan {
  /** How many calls were performed or struck so far. */
  seen = 0;
  /** The calls that were struck, in order. */
  readonly struck: Struck[] = [];
  readonly #shouldFail: ShouldFail;
  readonly #die: () => never;

  /** @param die ends the process, or throws what no effect catches. Needed where a fault is `die` */
  constructor(shouldFail: ShouldFail, die: () => never = noDeath) {
    this.#shouldFail = shouldFail;
    this.#die = die;
  }

  /** The first fault among the calls that come next, and its place. Counts nothing. */
  foresee(calls: readonly Call[], performer: string): { readonly index: number; readonly fault: Fault } | undefined {
    for (const [index, call] of calls.entries()) {
      const fault = this.#shouldFail(this.seen + index + 1, call, performer);
      if (fault !== undefined) return { index, fault };
    }
    return undefined;
  }

  /** Lets a fault befall the next call. @returns the call's result */
  strike(call: Call, performer: string, fault: Fault): number {
    this.seen++;
    this.struck.push({ n: this.seen, call, performer, fault });
    return fault === 'die' ? this.#die() : -ERRNO[fault];
  }
}

/**
 * A kernel that is `inner`, except that calls fail as the plan says. A batch that is struck reaches `inner` in pieces:
 * the calls before the fault, and those after it where the struck call may fail. (An out buffer that the first piece
 * fills is not an input of the second.)
 */
export function faultKernel<K extends Kernel>(inner: K, plan: FaultPlan): K {
  const { performer } = inner;

  /** Performs calls that no fault befalls, and counts those that were tried. */
  function submit(calls: readonly Call[]): Outcome {
    if (calls.length === 0) return { results: [], stoppedAt: undefined };
    try {
      const outcome = inner.submit(calls);
      plan.seen += outcome.stoppedAt === undefined ? calls.length : outcome.results.length;
      return outcome;
    } catch (error) {
      plan.seen += calls.length;
      throw error;
    }
  }

  return {
    ...inner,
    // They are submitted one after the other, so that the plan knows what comes next.
    post: undefined,
    flush: undefined,
    ahead: undefined,
    submit(calls: readonly Call[]): Outcome {
      const results: number[] = [];
      for (;;) {
        const rest = calls.slice(results.length).map((call) => settle(call, results));
        const next = plan.foresee(rest, performer);
        const before = submit(next === undefined ? rest : rest.slice(0, next.index));
        const offset = results.length;
        results.push(...before.results);
        if (before.stoppedAt !== undefined) return { results, stoppedAt: offset + before.stoppedAt };
        const call = next && rest[next.index];
        if (next === undefined || call === undefined) return { results, stoppedAt: undefined };
        const struck = plan.strike(call, performer, next.fault);
        // close(2) gives the descriptor back even when it fails.
        if (call.name === 'close') inner.submit([{ ...settle(call, before.results), mayFail: true }]);
        results.push(struck);
        if (!call.mayFail) return { results, stoppedAt: results.length - 1 };
        if (results.length === calls.length) return { results, stoppedAt: undefined };
      }
    },
  };
}

/**
 * The call, with the results that are known by now. It refers to results that are still to come by their place in its
 * piece.
 */
function settle(call: Call, results: readonly number[]): Call {
  if (results.length === 0) return call;
  const args = call.args.map((arg): Arg => {
    if (typeof arg !== 'object' || arg === null || arg instanceof Uint8Array || arg.kind !== 'result') return arg;
    return results[arg.index] ?? { kind: 'result', index: arg.index - results.length };
  });
  return { ...call, args };
}

function noDeath(): never {
  throw new Error('a fault plan that lets a process die was not told how');
}
