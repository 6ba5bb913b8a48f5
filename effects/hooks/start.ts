/** Where a hook is started: beside the runtime, or by the container's init. */

import { chdir, close, closeRange, dup3 } from '../../native/calls/files.ts';
import { clone3, getRlimit, kill, pidfdOpen, setRlimit } from '../../native/calls/process.ts';
import { CLOSE_RANGE } from '../../native/constants/files.ts';
import { RLIMIT } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { executeProgram, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import { type Channel, openChannel, passDescriptors, takeDescriptors } from '../init/channel.ts';
import type { Session } from '../session.ts';
import type { RunningHook, StartHook } from './run.ts';

/** In the runtime's namespaces. @param cwd this process's own where absent */
export function besideRuntime(session: Session, cwd: string | undefined): StartHook {
  const { platform } = session;
  const before = [...limitCalls(platform.local, session), ...(cwd === undefined ? [] : [chdir(cwd)])];
  return ({ path, argv, env }, descriptors) => {
    const { pid, pidfd } = spawnProcess(platform, { path, argv, env, before, descriptors, performer: 'hook' });
    return { pidfd, end: () => takeEnding(platform.local, pid) };
  };
}

/**
 * The engine has raised its own soft limit of open files, and its children inherit that. What has the limits of the container's
 * process already keeps them: to go back above a hard limit takes a right that even root may lack.
 * @param kernel the hook's process, or the one that it will inherit from
 */
function limitCalls(kernel: Kernel, { inheritance: { openFilesLimit } }: Session): readonly Call[] {
  if (openFilesLimit === undefined) return [];
  const current = out(16);
  perform(kernel, [getRlimit(0, RLIMIT.RLIMIT_NOFILE, current)]);
  const [soft, hard] = [0, 8].map((offset) => viewOf(current.bytes).getBigUint64(offset, true));
  if (soft === undefined || hard === undefined || soft <= BigInt(openFilesLimit)) return [];
  return [setRlimit(0, RLIMIT.RLIMIT_NOFILE, openFilesLimit, hard)];
}

interface InContainer {
  /** The init; serves batches. */
  readonly init: Kernel;
  readonly preserveFds: number;
  /**
   * What the hook's process does before execve: its directory, or what it must not be allowed to do.
   * @param at how many calls are before these in their batch
   */
  readonly before: (at: number) => readonly Call[];
}

/**
 * As a child of the init's, in its namespaces and its root. The child serves on a connection of its own; by a second one
 * it gets its standard descriptors, and we get its pidfd, since its pid in our namespace is not to be had otherwise.
 */
export function inContainer(session: Session, { init, preserveFds, before }: InContainer): StartHook {
  const { local, kernelBehind } = session.platform;
  return ({ path, argv, env }, stdio) => {
    const batches = openChannel(session, init, preserveFds);
    const descriptors = orClosed(session, init, batches, () => openChannel(session, init, preserveFds));
    const ours = [batches.ours, descriptors.ours];
    try {
      const pid = cloneChild(init, batches, descriptors);
      const child = kernelBehind(batches.ours, 'hook');
      try {
        return startChild(child, pid);
      } catch (error) {
        // By signal: that it notices the end of its connection is not certain under a seccomp filter.
        attempt(init, kill(pid, SIGNALS.SIGKILL));
        takeEnding(init, pid);
        throw error;
      }
    } finally {
      local.submit(ours.map((fd) => ({ ...close(fd), mayFail: true })));
    }

    function startChild(child: Kernel, pid: number): RunningHook {
      const [stdin = -1, stdout = -1, stderr = -1] = passDescriptors(local, child, descriptors, stdio);
      const own = call(child, pidfdOpen(call(child, { name: 'getpid', args: [] })));
      const [pidfd = -1] = takeDescriptors(local, child, descriptors, [own]);
      const last = [
        dup3(stdin, 0),
        dup3(stdout, 1),
        dup3(stderr, 2),
        closeRange(3, 0x7fffffff, CLOSE_RANGE.CLOEXEC),
        ...limitCalls(child, session),
      ];
      try {
        executeProgram(child, { path, argv, env }, [...last, ...before(last.length)]);
      } catch (error) {
        attempt(local, close(pidfd));
        throw error;
      }
      return { pidfd, end: () => takeEnding(init, pid) };
    }
  };
}

/** @returns the child's pid as the init sees it; the init keeps neither connection */
function cloneChild(init: Kernel, batches: Channel, descriptors: Channel): number {
  const closing = [close(batches.theirs), close(descriptors.theirs)];
  try {
    const [pid = 0] = perform(init, [
      clone3({ flags: 0, exitSignal: SIGNALS.SIGCHLD, childServes: batches.theirs }),
      ...closing,
    ]);
    return pid;
  } catch (error) {
    init.submit(closing.map((one) => ({ ...one, mayFail: true })));
    throw error;
  }
}

function orClosed<T>({ platform }: Session, init: Kernel, channel: Channel, action: () => T): T {
  try {
    return action();
  } catch (error) {
    attempt(platform.local, close(channel.ours));
    attempt(init, close(channel.theirs));
    throw error;
  }
}
