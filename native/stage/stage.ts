/**
 * The kinds of stage. A *stage* is a process that runs native/init and that clones a container's init: spawned for one
 * container (spawn.ts), started by the launcher (launched.ts), or kept for many (standing.ts).
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
  /** What its first batch begins with, for it to have the descriptors. */
  readonly settling?: readonly Call[];
}

/** The stage that the launcher has started, as the launcher describes it. A process has at most one. */
export interface LaunchedStage {
  readonly pid: Pid;
  /** This process's ends: of the socket for batches, and of the one for descriptors. */
  readonly socket: Fd;
  readonly channel: Fd;
  /** Somebody has taken it, and ends it. */
  taken: boolean;
}

export interface StandingStage {
  /** `stage` */
  readonly kernel: Kernel;
  /**
   * Sends descriptors.
   * @returns the call by which the stage receives them, as its descriptors from 0 on
   */
  pass(descriptors: readonly Fd[]): Call;
}

export interface StandingStages {
  /** The one that stands, made where there is none. @throws SyscallError */
  current(): StandingStage;
  /** Ends it: what it is in is not known, or it is not needed any more. */
  retire(): void;
}
