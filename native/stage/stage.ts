/**
 * The kinds of stage. A *stage* is a process that runs native/init, and clones a container's init. It is spawned for
 * one container (spawn.ts), started by the launcher (launched.ts), or kept for many containers (standing.ts).
 */

import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';

export interface Stage {
  readonly pid: Pid;
  readonly kernel: Kernel;
  /** This process's end of the stage's socket: the stage exits when it is closed. */
  readonly connection: Fd;
  /** In the stage: the descriptor of its socket. */
  readonly socket: Fd;
  /** The calls by which it gets its descriptors: its first batch begins with them. */
  readonly settling?: readonly Call[];
  /** CLONE_NEW* of the new namespaces that it is in already: what it clones is in them. */
  readonly entered?: number;
}

/** The stage that the launcher has started, as the launcher describes it. A process has at most one. */
export interface LaunchedStage {
  readonly pid: Pid;
  /** This process's end of the socket for batches, … */
  readonly socket: Fd;
  /** … and of the one for descriptors. */
  readonly channel: Fd;
  /** Somebody has taken it, and will end it. */
  taken: boolean;
  /** What it does until somebody takes it. */
  entering?: Entering;
}

/** A stage enters new namespaces while its command does something else. */
export interface Entering {
  readonly kernel: Kernel;
  /**
   * Waits for it.
   * @returns CLONE_NEW* of the namespaces that the stage is in now: none where it could not make them
   * @throws LostPeerError
   */
  entered(): number;
}

export interface StandingStage {
  readonly kernel: Kernel;
  /**
   * Sends descriptors.
   * @returns the call by which the stage receives them, as its descriptors from 0 on
   */
  pass(descriptors: readonly Fd[]): Call;
}

export interface StandingStages {
  /** The one that stands. Where there is none, it is made. @throws SyscallError */
  current(): StandingStage;
  /** Performs actions with the stage one after the other, since each waits for the answers to its own batches. */
  alone<T>(action: () => Promise<T>): Promise<T>;
  /**
   * Ends it, since nobody needs it any more, or nobody knows what namespaces it is in. While an action goes on, it is
   * ended after that.
   */
  retire(): void;
}
