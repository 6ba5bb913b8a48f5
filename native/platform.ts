/** What a command acts through: this process's kernel, and the processes that it starts or that wait for it. */

import type { Kernel } from './kernel/kernel.ts';
import type { Fd, Pid } from './kernel/numbers.ts';
import type { PollRequest } from './kernel/poll.ts';
import type { Libc } from './libraries/libc.ts';
import type { LibSeccomp } from './libraries/libseccomp.ts';
import type { Interruption } from './performers/interruption.ts';
import type { Caller } from './resident/caller.ts';
import type { Stage, StandingStages } from './stage/stage.ts';

/** How answers are waited for. */
export interface AnswerOptions {
  /** No signal ends the wait: what was asked for leaves something behind that has to be known. */
  readonly toTheEnd?: boolean;
}

/** How this process reaches the kernel and the C libraries. It is the one door to both, so a test can simulate all. */
export interface Platform {
  /** Performs calls in this process. */
  readonly local: Kernel;
  /**
   * Starts native/init with these descriptors, and nothing else, as a child of this process.
   * @param socket the number of its socket's descriptor, in the child. By default it comes after `descriptors`
   * @throws SyscallError
   */
  spawnStage(descriptors: readonly Fd[], performer: string, socket?: number): Stage;
  /**
   * The stage that waits already, given these descriptors. Undefined where one has to be spawned.
   * @param namespaces CLONE_NEW* of those that are to be made. The stage may be in some of them: see `enterAhead`
   */
  launchedStage?(descriptors: readonly Fd[], performer: string, namespaces?: number): Stage | undefined;
  /**
   * Has the stage that waits already enter new namespaces, while this process does something else. If it cannot, that
   * is no error.
   * @param namespaces CLONE_NEW*
   */
  enterAhead?(namespaces: number): void;
  /** The stage for many containers, where this process shall have one. */
  readonly standing?: StandingStages;
  /**
   * The kernel of a process that serves batches on the other end of a socket of ours.
   * @param pid of the process, once it is known: a trace shows it
   */
  kernelBehind(socket: Fd, performer: string, pid?: () => Pid | undefined): Kernel;
  /** The C library, for functions that are no system calls: sd-bus needs it. */
  libc(): Libc;
  /** libseccomp, loaded when somebody first asks for it. @throws Error where it is missing or too old */
  libseccomp(): LibSeccomp;
  /**
   * Waits for events on descriptors without stopping the engine: poll(2) on a thread.
   * @param signal ends the wait: it rejects with the signal's reason then
   * @returns the revents of each, in order
   */
  poll(descriptors: readonly PollRequest[], timeoutMs?: number, signal?: AbortSignal): Promise<readonly number[]>;
  /**
   * Waits for the answers of another process to all that it was asked for, without stopping the engine. Absent where
   * the engine has nothing else to do: to stand still takes less time.
   */
  answers?(kernel: Kernel, options?: AnswerOptions): Promise<void>;
  /** Ends waits for other processes by a signal: such a wait stops the engine. Without it, no signal ends a wait. */
  readonly interruption?: Interruption;
  /** The process that this one works for, where it is another one: the client of a resident engine. */
  readonly caller?: Caller;
}

/**
 * Puts a kernel around another one: it traces the calls, or makes some fail.
 * @param pid of the process that performs them, once it is known
 */
export type Wrap = (kernel: Kernel, pid?: () => Pid | undefined) => Kernel;
