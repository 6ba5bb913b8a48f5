/**
 * Programs of the host, started by this process: hooks, newuidmap, criu. Each begins as native/init, so that what happens
 * before its execve is a batch like any other (traced, and its failure told by errno), and inherits only what it is given.
 */

import { type Ending, endingIn } from '../calls/ending.ts';
import { close, closeRange } from '../calls/files.ts';
import { execve, pidfdOpen, pidfdSendSignal, SIGINFO_BYTES, type Variable, waitid } from '../calls/process.ts';
import { reapChild } from '../calls/reap.ts';
import { CLOSE_RANGE } from '../constants/files.ts';
import { W } from '../constants/process.ts';
import { SIGNALS } from '../constants/signal.ts';
import { POLL } from '../constants/socket.ts';
import { type Call, type Kernel, LostPeerError } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { attempt, call, perform, SyscallError } from '../kernel/perform.ts';
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
  /** The same where the answers have to be looked at. What it throws ends the process. */
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
 * Whoever starts a process ends it with `reap`.
 * @throws SyscallError of the call that failed before or at execve; nothing is left then
 */
export function spawnProcess(platform: Platform, options: ProcessOptions): HostProcess {
  const { local } = platform;
  const { pid, kernel, connection } = platform.spawnStage(options.descriptors, options.performer);
  let pidfd: Fd | undefined;
  try {
    pidfd = call(local, pidfdOpen(pid));
    const inheritNothingElse = closeRange(options.descriptors.length, 0x7fffffff, CLOSE_RANGE.CLOEXEC);
    options.prepare?.(kernel);
    execute(kernel, options, [inheritNothingElse, ...(options.before ?? [])]);
    attempt(local, close(connection));
    return { pid, pidfd };
  } catch (error) {
    attempt(local, close(connection));
    reapChild(local, pid);
    if (pidfd !== undefined) attempt(local, close(pidfd));
    throw error;
  }
}

/** The last batch of a process that serves: it becomes the program. @throws SyscallError of the call that failed */
export function execute(kernel: Kernel, { path, argv, env }: Program, before: readonly Call[] = []): void {
  try {
    perform(kernel, [...before, execve(path, argv, env)]);
  } catch (error) {
    // The connection is close-on-exec: its end is the program's beginning.
    if (!(error instanceof LostPeerError)) throw error;
  }
}

/** The longest that poll(2) is asked to wait in one go; its timeout is an int. */
const LONGEST_POLL_MS = 0x3fff_ffff;

/** Waits until the process has ended, without stopping the engine. @returns false when it runs for longer than `timeoutMs` */
export async function hasEnded(platform: Platform, pidfd: Fd, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  return (await firstToEnd(platform, [pidfd], timeoutMs)) === 0;
}

/** The same of several. @returns the index of one that has ended, the first of several; -1 when all run for longer than `timeoutMs` */
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
    // A poll that a signal interrupted answers nothing.
    if (ended >= 0) return ended;
    if (left === 0) return -1;
  }
}

/** Long enough for a process that is busy in the kernel; a longer wait would look like a hang. */
const PATIENCE_MS = 10_000;

/**
 * SIGKILL, and waits until the process is gone. One that is gone already is fine.
 * @throws Error where it does not end: it is frozen (cgroup v1), or hangs in a file system that does not answer
 */
export async function killProcess(platform: Platform, pidfd: Fd, patienceMs = PATIENCE_MS): Promise<void> {
  attempt(platform.local, pidfdSendSignal(pidfd, SIGNALS.SIGKILL));
  if (!(await hasEnded(platform, pidfd, patienceMs)))
    throw new Error(`it does not end after SIGKILL, within ${patienceMs / 1000} s`);
}

/** Takes a child's status; the child has ended. @param parent whose child it is */
export function reap(parent: Kernel, idType: number, id: number): Ending {
  const info = out(SIGINFO_BYTES);
  const result = attempt(parent, waitid(idType, id, info, W.EXITED));
  if (result < 0) throw new SyscallError(waitid(idType, id, info), -result);
  return endingIn(info).ending;
}
