/**
 * Programs of the host that this process starts: hooks, newuidmap, criu. Each begins as native/init. So what happens
 * before its execve is a batch like any other: a trace shows it, and a failure has its errno. It inherits only what it
 * is given.
 */

import { type Ending, endingIn } from '../calls/ending.ts';
import { closeRange } from '../calls/files.ts';
import { execve, pidfdOpen, pidfdSendSignal, SIGINFO_BYTES, type Variable, waitid } from '../calls/process.ts';
import { reapChild } from '../calls/reap.ts';
import { CLOSE_RANGE } from '../constants/files.ts';
import { P, W } from '../constants/process.ts';
import { SIGNALS } from '../constants/signal.ts';
import { POLL } from '../constants/socket.ts';
import { type Call, type Kernel, LostPeerError } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { Owned, opened } from '../kernel/owned.ts';
import { attempt, call, perform } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import type { Platform } from '../platform.ts';

export interface Program {
  /** Absolute. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly Variable[];
}

interface ProcessOptions extends Program {
  /** What it does before its execve: enter a directory, set limits. */
  readonly before?: readonly Call[];
  /** The same, where somebody has to look at the answers. If it throws, the process is ended. */
  readonly prepare?: ((process: Kernel) => void) | undefined;
  /** Standard input, output and error, then what else it inherits as 3, 4, … */
  readonly descriptors: readonly Fd[];
  /** Its name in traces. */
  readonly performer: string;
}

interface HostProcess {
  readonly pid: Pid;
  readonly pidfd: Fd;
}

/**
 * Starts a program. Whoever does so takes its ending (`takeEnding`), and closes the pidfd.
 * @throws SyscallError of the call that failed before or at execve. The process is gone then
 */
export function spawnProcess(platform: Platform, options: ProcessOptions): HostProcess {
  const { local } = platform;
  const { pid, kernel, connection } = platform.spawnStage(options.descriptors, options.performer);
  using _connection = new Owned(local, connection);
  try {
    using pidfd = opened(local, pidfdOpen(pid));
    const inheritNothingElse = closeRange(options.descriptors.length, 0x7fffffff, CLOSE_RANGE.CLOEXEC);
    options.prepare?.(kernel);
    executeProgram(kernel, options, [inheritNothingElse, ...(options.before ?? [])]);
    return { pid, pidfd: pidfd.release() };
  } catch (error) {
    reapChild(local, pid);
    throw error;
  }
}

/** The last batch of a process that serves: it becomes the program. @throws SyscallError of the call that failed */
export function executeProgram(kernel: Kernel, { path, argv, env }: Program, before: readonly Call[] = []): void {
  try {
    perform(kernel, [...before, execve(path, argv, env)]);
  } catch (error) {
    // The connection is close-on-exec: where it ends, execve has succeeded.
    if (!(error instanceof LostPeerError)) throw error;
  }
}

/** The longest that poll(2) is asked to wait in one go; its timeout is an int. */
const LONGEST_POLL_MS = 0x3fff_ffff;

/**
 * Waits until the process has ended, without stopping the engine.
 * @returns false when it runs for longer than `timeoutMs`
 */
export async function hasEnded(platform: Platform, pidfd: Fd, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  return (await firstToEnd(platform, [pidfd], timeoutMs)) === 0;
}

/**
 * Waits until one of several processes has ended, without stopping the engine.
 * @returns its index, the lowest if several have ended; -1 when all run for longer than `timeoutMs`
 */
export async function firstToEnd(
  platform: Platform,
  pidfds: readonly Fd[],
  timeoutMs = Number.POSITIVE_INFINITY,
): Promise<number> {
  const awaited = pidfds.map((fd) => ({ fd, events: POLL.IN }));
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = Math.max(0, Math.ceil(deadline - performance.now()));
    const wait = left === Number.POSITIVE_INFINITY ? -1 : Math.min(left, LONGEST_POLL_MS);
    const ended = (await platform.poll(awaited, wait)).findIndex((ready) => ready !== 0);
    // Where a signal interrupts poll(2), nothing is ready.
    if (ended >= 0) return ended;
    if (left === 0) return -1;
  }
}

/** A process that is busy in the kernel takes a while to end. A longer wait than this would look like a hang. */
const PATIENCE_MS = 10_000;

/**
 * Sends SIGKILL, and waits until the process is gone. It may be gone already.
 * @throws Error where it does not end: it is frozen (cgroup v1), or hangs in a file system that does not answer
 */
export async function killProcess(platform: Platform, pidfd: Fd, patienceMs = PATIENCE_MS): Promise<void> {
  attempt(platform.local, pidfdSendSignal(pidfd, SIGNALS.SIGKILL));
  if (!(await hasEnded(platform, pidfd, patienceMs)))
    throw new Error(`it does not end after SIGKILL, within ${patienceMs / 1000} s`);
}

/**
 * Reaps a child that has ended.
 * @param parent whose child it is
 * @throws SyscallError
 */
export function takeEnding(parent: Kernel, pid: Pid): Ending {
  const info = out(SIGINFO_BYTES);
  call(parent, waitid(P.PID, pid, info, W.EXITED));
  return endingIn(info).ending;
}
