/** A kernel that hands on what passes: every call with its result and who performed it, as `--trace` shows them. */

import {
  type Arg,
  type Call,
  type Kernel,
  LostPeerError,
  type Outcome,
  type ResultRef,
  type SyscallName,
} from '../kernel/kernel.ts';

/** An argument as it was performed: a reference to an earlier result has become that result. */
export type SeenArg = Exclude<Arg, ResultRef>;

/** One call that was performed. Out buffers hold what the kernel wrote, but only until the sink returns. */
export interface TraceEntry {
  readonly performer: string;
  readonly name: SyscallName;
  readonly args: readonly SeenArg[];
  /** `-errno` when it failed. Undefined when no answer can come: an execve that succeeded, a peer that died, a call to be served on. */
  readonly result: number | undefined;
  /** Its place in its batch, and how many calls of the batch are handed on: the last one has `index === count - 1`. */
  readonly index: number;
  readonly count: number;
  /** What the whole batch took, the way there and back included. */
  readonly seconds: number;
}

export type TraceSink = (entry: TraceEntry) => void;

/**
 * Records the calls of `inner` in the order in which they were performed, once their batch is done. A call that was not
 * reached is not recorded. Where the performer is lost, the whole batch is recorded without results.
 * @param now seconds, from any fixed point in time
 */
export function recordingKernel<K extends Kernel>(
  inner: K,
  sink: TraceSink,
  now: () => number = () => performance.now() / 1000,
): K {
  const { performer, post, flush } = inner;
  const record = recorder(performer, sink);
  /** What was posted, and since when. */
  let posted: { readonly calls: readonly Call[]; readonly start: number }[] = [];

  /** What is lost with the performer: everything that it has not answered yet. */
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
    // What is written ahead would pass unseen.
    ahead: undefined,
  };
}

/** @returns records a batch; its outcome is undefined where the performer was lost before it answered */
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
