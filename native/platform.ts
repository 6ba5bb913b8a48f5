/** What a command acts through: this process's kernel, and the processes that it starts or finds waiting. */

import type { Kernel } from './kernel/kernel.ts';
import type { Fd } from './kernel/numbers.ts';
import type { PollRequest } from './kernel/poll.ts';
import type { Libc } from './libraries/libc.ts';
import type { LibSeccomp } from './libraries/libseccomp.ts';
import type { Interruption } from './performers/interruption.ts';
import type { Stage, StandingStages } from './stage/stage.ts';

/**
 * How this process reaches the kernel and the C libraries: one door to all of it, so that a test can put a world in its
 * place.
 */
export interface Platform {
  /** Performs calls in this process. */
  readonly local: Kernel;
  /**
   * Starts native/init with these descriptors, and nothing else, as a child of this process.
   * @param socket its socket's descriptor there; by default the one after `descriptors`
   * @throws SyscallError
   */
  spawnStage(descriptors: readonly Fd[], performer: string, socket?: number): Stage;
  /** A stage that is there already, for these descriptors; undefined where one has to be spawned. */
  launchedStage?(descriptors: readonly Fd[], performer: string): Stage | undefined;
  /** A stage for many containers, where this process is to have one. */
  readonly standing?: StandingStages;
  /** The kernel of a process that serves batches on the other end of a socket of ours. */
  kernelBehind(socket: Fd, performer: string): Kernel;
  /** For the libraries that are not system calls: sd-bus. */
  libc(): Libc;
  /** libseccomp, loaded when it is first asked for. @throws LibSeccompError where it is missing or too old */
  libseccomp(): LibSeccomp;
  /** Waits for events on descriptors without stopping the engine: poll(2) on a thread. @returns the revents, in order */
  poll(descriptors: readonly PollRequest[], timeoutMs?: number): Promise<readonly number[]>;
  /** How waits for other processes, which stop the engine, end by a signal; where there is none they do not. */
  readonly interruption?: Interruption;
}

/** Observes or alters what passes: a trace, injected faults. */
export type Wrap = (kernel: Kernel) => Kernel;
