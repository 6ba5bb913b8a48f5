/** Starts a hook: beside the runtime, or as a child of the container's init. */

import { chdir, close, closeRange, dup3 } from '../../native/calls/files.ts';
import { clone3, getRlimit, kill, pidfdOpen, setRlimit } from '../../native/calls/process.ts';
import { CLOSE_RANGE } from '../../native/constants/files.ts';
import { RLIMIT } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, perform, succeeded } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { executeProgram, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import { type Channel, openChannel, passDescriptors, takeDescriptors } from '../init/channel.ts';
import { RLIMIT_BYTES, rlimitIn } from '../process/limits.ts';
import type { Session } from '../session.ts';
import type { StartHook } from './run.ts';

/** Starts hooks in the runtime's namespaces. @param cwd their directory; undefined for this process's own */
export function besideRuntime(session: Session, cwd: string | undefined): StartHook {
  const { platform } = session;
  const before = [...limitCalls(platform.local, session), ...(cwd === undefined ? [] : [chdir(cwd)])];
  return ({ path, argv, env }, descriptors) => {
    const { pid, pidfd } = spawnProcess(platform, { path, argv, env, before, descriptors, performer: 'hook' });
    return { pidfd, end: () => takeEnding(platform.local, pid) };
  };
}

/**
 * The engine has raised its own soft limit of open files, and its children inherit that. These calls lower it again. A
 * hook's process may have the container's limits, which are lower. It keeps them: to go back above a hard limit takes a
 * right that even root may lack.
 * @param kernel the hook's process, or the one that it will inherit from
 */
function limitCalls(kernel: Kernel, { inheritance: { openFilesLimit } }: Session): readonly Call[] {
  if (openFilesLimit === undefined) return [];
  const current = out(RLIMIT_BYTES);
  call(kernel, getRlimit(0, RLIMIT.RLIMIT_NOFILE, current));
  const { soft, hard } = rlimitIn(current);
  return soft <= BigInt(openFilesLimit) ? [] : [setRlimit(0, RLIMIT.RLIMIT_NOFILE, openFilesLimit, hard)];
}

interface InContainer {
  /** The init; it serves batches. */
  readonly init: Kernel;
  readonly preserveFds: number;
  /** Adds what the hook's process does before execve: it enters its directory, or gives up rights. */
  readonly addBefore: (batch: Batch) => void;
}

/**
 * Starts hooks as children of the init, in its namespaces and its root. A child serves on a connection of its own. Over
 * a second one it gets its standard descriptors, and we get its pidfd: nothing else tells its pid in our namespace.
 */
export function inContainer(session: Session, { init, preserveFds, addBefore }: InContainer): StartHook {
  const { local, kernelBehind } = session.platform;
  return (hook, stdio) => {
    const batches = openChannel(session, init, preserveFds);
    using ours = new Owned(local, batches.ours);
    using theirs = new Owned(init, batches.theirs);
    const descriptors = openChannel(session, init, preserveFds);
    using _ours = new Owned(local, descriptors.ours);
    const pid = cloneChild(init, theirs.release(), descriptors.theirs);
    const child = kernelBehind(ours.fd, 'hook');
    try {
      const [stdin = -1, stdout = -1, stderr = -1] = passDescriptors(local, child, descriptors, stdio);
      using pidfd = takePidfd(local, child, descriptors);
      const batch = new Batch();
      for (const one of [dup3(stdin, 0), dup3(stdout, 1), dup3(stderr, 2)]) batch.add(one);
      batch.add(closeRange(3, 0x7fffffff, CLOSE_RANGE.CLOEXEC));
      for (const one of limitCalls(child, session)) batch.add(one);
      addBefore(batch);
      executeProgram(child, hook, batch.calls);
      return { pidfd: pidfd.release(), end: () => takeEnding(init, pid) };
    } catch (error) {
      // By signal: under a seccomp filter it may not notice the end of its connection.
      attempt(init, kill(pid, SIGNALS.SIGKILL));
      takeEnding(init, pid);
      throw error;
    }
  };
}

/**
 * @param serves the child's end of the connection that it serves on
 * @param other its end of the second connection
 * @returns the child's pid as the init sees it; the init keeps neither connection
 * @throws SyscallError
 */
function cloneChild(init: Kernel, serves: Fd, other: Fd): Pid {
  const batch = new Batch();
  const cloning = clone3({ flags: 0, exitSignal: SIGNALS.SIGCHLD, childServes: serves });
  const pid = batch.try(cloning);
  batch.add(close(serves));
  batch.add(close(other));
  return succeeded(cloning, resultOf(perform(init, batch.calls), pid));
}

/** @returns a pidfd of the child, here. @throws SyscallError, MalformedAnswerError */
function takePidfd(local: Kernel, child: Kernel, descriptors: Channel): Owned {
  const own = call(child, pidfdOpen(call(child, { name: 'getpid', args: [] })));
  const [pidfd = -1] = takeDescriptors(local, child, descriptors, [own]);
  return new Owned(local, pidfd);
}
