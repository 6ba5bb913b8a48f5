/** A kernel that tells a sink of every call, with its result and who performed it: `--trace` shows them. */

import {
  type Arg,
  type Call,
  type Kernel,
  LostPeerError,
  type Outcome,
  type ResultRef,
  type SyscallName,
} from '../kernel/kernel.ts';

/** An argument as the kernel saw it: in the place of a reference to an earlier result there is that result. */
export type SeenArg = Exclude<Arg, ResultRef>;

/** One call that was performed. Its out buffers hold what the kernel wrote, until the sink returns. */
export interface TraceEntry {
  readonly performer: string;
  readonly name: SyscallName;
  readonly args: readonly SeenArg[];
  /**
   * `-errno` when it failed. Undefined when no answer can come: an execve succeeded, the performer died, or the init
   * serves on what the call returns.
   */
  readonly result: number | undefined;
  /**
   * Its place in its batch, and how many calls of the batch the sink is told of. The last has `index === count - 1`.
   */
  readonly index: number;
  readonly count: number;
  /** How long the whole batch took, with the way there and back. */
  readonly seconds: number;
}

export type TraceSink = (entry: TraceEntry) => void;

/**
 * Records the calls of `inner` in the order in which they were performed, when their batch is done. A call that was not
 * performed is not recorded. If the performer is lost, its whole batch is recorded without results.
 * @param now seconds, from any fixed point in time
 */
export function recordingKernel<K extends Kernel>(
  inner: K,
  sink: TraceSink,
  now: () => number = () => performance.now() / 1000,
): K {
  const { performer, post, flush } = inner;
  const record = recorder(performer, sink);
  /** What was posted and has no answer yet, and when. */
  let posted: { readonly calls: readonly Call[]; readonly start: number }[] = [];

  /** Records everything that has no answer yet, if the performer is lost. */
  function waiting<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof LostPeerError)
        for (const { calls, start } of posted) record(calls, undefined, now() - start);
      posted = [];
      throw error;
    }
  }

  return {
    ...inner,
    submit(calls: readonly Call[]): Outcome {
      if (flush !== undefined) waiting(flush);
      const start = now();
      try {
        const outcome = inner.submit(calls);
        record(calls, outcome, now() - start);
        return outcome;
      } catch (error) {
        if (error instanceof LostPeerError) record(calls, undefined, now() - start);
        throw error;
      }
    },
    post:
      post &&
      ((calls, settle) => {
        const one = { calls, start: now() };
        posted.push(one);
        waiting(() =>
          post(calls, (outcome) => {
            posted = posted.filter((other) => other !== one);
            record(calls, outcome, now() - one.start);
            settle(outcome);
          }),
        );
      }),
    flush: flush && (() => waiting(flush)),
    // Nothing is written ahead: a trace would not see it.
    ahead: undefined,
  };
}

/**
 * @returns a function that records a batch. Its outcome is undefined where the performer was lost before it answered
 */
function recorder(performer: string, sink: TraceSink) {
  return (calls: readonly Call[], outcome: Outcome | undefined, seconds: number): void => {
    const results = outcome?.results ?? [];
    const count = outcome === undefined || outcome.stoppedAt === undefined ? calls.length : results.length;
    for (const [index, { name, args }] of calls.slice(0, count).entries()) {
      const seen = args.map((arg) => (isResult(arg) ? (results[arg.index] ?? null) : arg));
      sink({ performer, name, args: seen, result: results[index], index, count, seconds });
    }
  };
}

const isResult = (arg: Arg): arg is ResultRef =>
  typeof arg === 'object' && arg !== null && !(arg instanceof Uint8Array) && arg.kind === 'result';
