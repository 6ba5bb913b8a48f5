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
import type { Pid } from '../kernel/numbers.ts';
import { epochSeconds } from '../trace/time.ts';

/** An argument as the kernel saw it: in the place of a reference to an earlier result there is that result. */
export type SeenArg = Exclude<Arg, ResultRef>;

/** One call that was performed. Its out buffers hold what the kernel wrote, until the sink returns. */
export interface TraceEntry {
  readonly performer: string;
  /** The performer's pid, as this process sees it. Undefined where it is not known. */
  readonly pid?: Pid | undefined;
  /** When its batch began, in seconds since the epoch. */
  readonly at: number;
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
  /** How long the whole batch took, in seconds, with the way there and back. */
  readonly seconds: number;
}

export type TraceSink = (entry: TraceEntry) => void;

/**
 * Records the calls of `inner` in the order in which they were performed, when their batch is done. A call that was not
 * performed is not recorded, and neither is one that could do nothing: an argument of it was to be the result of a call
 * that failed. If the performer is lost, its whole batch is recorded without results.
 * @param pid of the performer, once it is known
 * @param now seconds since the epoch
 */
export function recordingKernel<K extends Kernel>(
  inner: K,
  sink: TraceSink,
  pid: () => Pid | undefined = () => undefined,
  now: () => number = epochSeconds,
): K {
  const { performer, post, flush } = inner;
  const record = recorder(performer, pid, sink);
  /** What was posted and has no answer yet, and when. */
  let posted: { readonly calls: readonly Call[]; readonly start: number }[] = [];

  /** Records everything that has no answer yet, if the performer is lost. */
  function waiting<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof LostPeerError)
        for (const { calls, start } of posted) record(calls, undefined, { at: start, seconds: now() - start });
      posted = [];
      throw error;
    }
  }

  return {
    ...inner,
    submit(calls: readonly Call[]): Outcome {
      if (flush !== undefined) waiting(flush);
      const at = now();
      try {
        const outcome = inner.submit(calls);
        record(calls, outcome, { at, seconds: now() - at });
        return outcome;
      } catch (error) {
        if (error instanceof LostPeerError) record(calls, undefined, { at, seconds: now() - at });
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
            record(calls, outcome, { at: one.start, seconds: now() - one.start });
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
function recorder(performer: string, pid: () => Pid | undefined, sink: TraceSink) {
  return (
    calls: readonly Call[],
    outcome: Outcome | undefined,
    took: { readonly at: number; readonly seconds: number },
  ): void => {
    const results = outcome?.results ?? [];
    const performed = outcome === undefined || outcome.stoppedAt === undefined ? calls.length : results.length;
    const told = calls
      .slice(0, performed)
      .map(({ name, args }, index) => ({ name, args, result: results[index] }))
      .filter(({ args }) => !args.some((arg) => isResult(arg) && (results[arg.index] ?? 0) < 0));
    for (const [index, { name, args, result }] of told.entries()) {
      const seen = args.map((arg) => (isResult(arg) ? (results[arg.index] ?? null) : arg));
      sink({ performer, pid: pid(), name, args: seen, result, index, count: told.length, ...took });
    }
  };
}

const isResult = (arg: Arg): arg is ResultRef =>
  typeof arg === 'object' && arg !== null && !(arg instanceof Uint8Array) && arg.kind === 'result';
