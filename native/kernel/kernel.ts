/**
 * The one door to the kernel: system calls as data, performed in batches.
 *
 * A batch is a list of raw calls. It is performed in order and stops at the first call that fails,
 * unless that call may fail. What performs it is a `Kernel`: this process (`local.ts`), the container's
 * init behind its socket (`remote.ts`), one that writes down what passes (`recording.ts`), or a model
 * in memory (`simulated.ts`).
 */

import type { Sysno } from '../constants/sysno.ts';

/** A name of a system call that we use, as in the kernel's tables. */
export type SyscallName = Sysno;

/**
 * The result of an earlier call of the same batch, by its index, as an argument of a later one.
 * `Result` is what the call returns: a descriptor, a pid, another number.
 */
export interface ResultRef<Result extends number = number> {
  readonly kind: 'result';
  readonly index: number;
  /** For the type alone: never set. */
  readonly returns?: Result;
}

/** Memory that the call writes to. Once the batch has been performed, `bytes` holds what the kernel wrote, zero elsewhere. */
export interface Out {
  readonly kind: 'out';
  readonly bytes: Uint8Array;
}

/** A structure that holds pointers: `bytes`, with the address of each target written at its offset (8 bytes). */
export interface Struct {
  readonly kind: 'struct';
  readonly bytes: Uint8Array;
  readonly pointers: readonly { readonly offset: number; readonly target: Memory }[];
}

/** What an argument can point to. A string is passed with a terminating NUL. */
export type Memory = string | Uint8Array | Out | Struct;

/** An argument: a value (integers beyond 2^53 as bigint), memory, or an earlier result. `null` is the null pointer. */
export type Arg = number | bigint | null | Memory | ResultRef;

/** A system call as data. `Result` is what it returns where it does not fail. */
export interface Call<Result extends number = number> {
  readonly name: SyscallName;
  readonly args: readonly Arg[];
  /** A failure is reported in the results and does not stop the batch. */
  readonly mayFail?: true;
  /**
   * `clone3` only, remote only: the child serves batches on this descriptor of its own
   * (the init's program goes on in both processes).
   */
  readonly childServes?: number;
  /**
   * Remote only, last call of a batch, an `acceptFrom`: answer first, then perform the call and serve on the descriptor
   * that it returns; once that connection ends, perform the call again. How an init waits for `start`.
   */
  readonly serve?: true;
  /** For the type alone: never set. */
  readonly returns?: Result;
}

/**
 * What became of a batch: one result a performed call, in order; a negative one is `-errno`.
 * The batch stopped early when `results.length < calls.length` or the last result is a failure that may not be.
 */
export interface Outcome {
  readonly results: readonly number[];
  /** The index of the call that failed and stopped the batch; undefined when all of it was performed. */
  readonly stoppedAt: number | undefined;
}

export interface Kernel {
  /** Who performs the calls, as traces show it: `runtime`, `stage`, `init`, `exec`. */
  readonly performer: string;
  /**
   * Performs a batch and waits for it. A failing call is a result, not an exception.
   * @throws LostPeerError when a remote performer is gone before it answered; MalformedAnswerError
   */
  submit(calls: readonly Call[]): Outcome;
  /**
   * What `submit(calls)` and then `settle` with its outcome comes to, without waiting for it: `post` in perform.ts uses it
   * where it is there. A batch is performed at once only as long as none before it has stopped; else once the `settle`
   * of that one has returned. What `settle` throws comes out of whatever waits next, and nothing after it counts.
   */
  readonly post?: ((calls: readonly Call[], settle: Settle) => void) | undefined;
  /** Waits for everything that was posted. @throws LostPeerError, MalformedAnswerError, and what a `settle` throws */
  readonly flush?: (() => void) | undefined;
  /** A way to write batches before it is their turn, where there is one: see Ahead. */
  readonly ahead?: (() => Ahead) | undefined;
}

/** Batches that are written while there is nothing else to do, and posted when it is their turn. */
export interface Ahead {
  /** Takes what is posted. Whoever would wait gets a TypeError, until they have been posted; then this is the kernel itself. */
  readonly kernel: Kernel;
  /** Posts them. Never called, they are forgotten. */
  post(): void;
}

/** Looks at what became of a batch: it may submit others, and throw. */
export type Settle = (outcome: Outcome) => void;

/** The remote performer went away (killed, or its execve succeeded) before it answered. */
export class LostPeerError extends Error {
  override readonly name = 'LostPeerError';
  readonly performer: string;
  constructor(performer: string) {
    super(`the ${performer} process ended before it answered`);
    this.performer = performer;
  }
}

/** The remote performer answered what no init of ours does. It is no LostPeerError: that can be an execve's success. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
  readonly performer: string;
  constructor(performer: string, what: string) {
    super(`the ${performer} process gave a malformed answer (${what}): it may have been taken over by another one`);
    this.performer = performer;
  }
}
