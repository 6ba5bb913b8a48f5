/**
 * The one door to the kernel: system calls as data, performed in batches.
 *
 * A batch is a list of raw calls. They are performed in order, until one fails that may not fail. A `Kernel` performs
 * batches: in this process (performers/local.ts), in a container's init behind its socket (performers/remote.ts), by
 * another kernel whose calls it shows (performers/recording.ts), or in a model in memory (test/simulation/).
 */

import type { Sysno } from '../constants/sysno.ts';
import type { Fd } from './numbers.ts';

/** The name of a system call that we use, as the kernel's tables have it. */
export type SyscallName = Sysno;

/**
 * An argument that is the result of an earlier call of the same batch. `Result` is what that call returns: a
 * descriptor, a pid, another number.
 */
export interface ResultRef<Result extends number = number> {
  readonly kind: 'result';
  /** Of the call in its batch. */
  readonly index: number;
  /** It exists in the type only, and is never set. */
  readonly returns?: Result;
}

/**
 * Memory that the call writes to. After the batch, `bytes` holds what the kernel wrote, and zeros where it wrote
 * nothing.
 */
export interface Out {
  readonly kind: 'out';
  readonly bytes: Uint8Array;
}

/** A structure that holds pointers. The address of each target (8 bytes) is written to `bytes` at its offset. */
export interface Struct {
  readonly kind: 'struct';
  readonly bytes: Uint8Array;
  readonly pointers: readonly { readonly offset: number; readonly target: Memory }[];
}

/** What an argument can point to. A string is passed with a terminating NUL. */
export type Memory = string | Uint8Array | Out | Struct;

/** An argument: a value (a bigint beyond 2^53), memory, an earlier result, or `null`, the null pointer. */
export type Arg = number | bigint | null | Memory | ResultRef;

/** A system call as data. `Result` is what it returns unless it fails. */
export interface Call<Result extends number = number> {
  readonly name: SyscallName;
  readonly args: readonly Arg[];
  /** A failure does not stop the batch: it is one of the results. */
  readonly mayFail?: true;
  /**
   * For `clone3` in an init only: the init's program goes on in both processes, and the child serves batches on this
   * descriptor of its own.
   */
  readonly childServes?: number;
  /**
   * For an `acceptFrom` that is the last call of a batch in an init: this is how an init waits for `start`. It answers
   * first, then performs the call, and serves on the descriptor that the call returns. When that connection ends, it
   * performs the call again.
   */
  readonly serve?: true;
  /** It exists in the type only, and is never set. */
  readonly returns?: Result;
}

/** What became of a batch: a result for each call that was performed, in order. A negative one is `-errno`. */
export interface Outcome {
  readonly results: readonly number[];
  /** The index of the call that failed and stopped the batch. Undefined when all calls were performed. */
  readonly stoppedAt: number | undefined;
}

export interface Kernel {
  /** Who performs the calls, as traces show it: `runtime`, `stage`, `init`, `exec`. */
  readonly performer: string;
  /**
   * Performs a batch and waits for it. A call that fails gives a result, not an exception.
   * @throws LostPeerError when another process performs it, and ended before it answered; MalformedAnswerError
   */
  submit(calls: readonly Call[]): Outcome;
  /**
   * Does what `submit(calls)` does, and then `settle` with its outcome, but does not wait. Use `post` of perform.ts,
   * which works with every kernel. If a batch is stopped, those after it are performed once its `settle` has returned.
   * What `settle` throws comes out of whatever waits next; the batches after it are forgotten.
   */
  readonly post?: ((calls: readonly Call[], settle: Settle) => void) | undefined;
  /** Waits for everything that was posted. @throws LostPeerError, MalformedAnswerError, and what a `settle` throws */
  readonly flush?: (() => void) | undefined;
  /**
   * Waits for the answers to everything that was posted, and leaves them to `flush`, which need not wait then: for
   * whoever does not want the engine to stand still. It is absent where nothing has to be waited for.
   * @param readable waits until a descriptor can be read, or for a while: somebody else may have read it meanwhile
   */
  readonly arrive?: ((readable: (socket: Fd) => Promise<void>) => Promise<void>) | undefined;
  /** Begins to write batches before it is their turn, where the kernel can do that. */
  readonly ahead?: (() => Ahead) | undefined;
}

/** Batches that are written while there is nothing else to do, and are posted when it is their turn. */
export interface Ahead {
  /**
   * Takes what is posted to it. Until `post` it throws a TypeError where it would have to wait; then it is the kernel.
   */
  readonly kernel: Kernel;
  /** Posts them. If nobody calls this, they are forgotten. Called again, it does nothing. */
  post(): void;
  /** How much has been written: the bytes of the messages, or of the answers, whichever are more. */
  readonly size: number;
}

/** Looks at what became of a batch. It may submit others, and it may throw. */
export type Settle = (outcome: Outcome) => void;

/** The process that performs the calls went away before it answered: it was killed, or its execve succeeded. */
export class LostPeerError extends Error {
  override readonly name = 'LostPeerError';
  readonly performer: string;
  constructor(performer: string) {
    super(`the ${performer} process ended before it answered`);
    this.performer = performer;
  }
}

/** The process that performs the calls answered as no init of ours does. (A LostPeerError can mean success: execve.) */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
  readonly performer: string;
  constructor(performer: string, what: string) {
    super(`the ${performer} process gave a malformed answer (${what}): it may have been taken over by another one`);
    this.performer = performer;
  }
}
