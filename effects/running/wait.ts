/** Waiting for processes, and what became of them. */

import { endingIn } from '../../native/calls/ending.ts';
import { close } from '../../native/calls/files.ts';
import { pidfdOpen, SIGINFO_BYTES, waitid } from '../../native/calls/process.ts';
import { awaitEnd, killChild } from '../../native/calls/reap.ts';
import { P, W } from '../../native/constants/process.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { EffectError } from '../error.ts';

export interface Exited {
  readonly pid: number;
  /** 0 to 255: as a shell says it, 128 + n where signal n ended the process. */
  readonly status: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
}

/** What waitid(2) wrote; undefined when, with WNOHANG, there was nothing to say. */
function readExited(info: Out): Exited | undefined {
  const { pid, ending } = endingIn(info);
  if (pid === 0) return undefined;
  const { how, status } = ending;
  return how === 'exited' ? { pid, status: status & 0xff } : { pid, status: 128 + status, signal: status };
}

/**
 * Reaps a child that has ended, without waiting.
 * @returns undefined while it runs, and when it is not (or no more) a child of this process
 */
export const reap = (local: Kernel, pid: number): Exited | undefined => reapBy(local, P.PID, pid);

/** The same by the process's pidfd. */
export const reapPidfd = (local: Kernel, pidfd: number): Exited | undefined => reapBy(local, P.PIDFD, pidfd);

function reapBy(local: Kernel, idType: number, id: number): Exited | undefined {
  const info = out(SIGINFO_BYTES);
  return attempt(local, waitid(idType, id, info, W.EXITED | W.NOHANG)) < 0 ? undefined : readExited(info);
}

/** Reaps whatever children have ended. */
export function reapAll(local: Kernel): readonly Exited[] {
  const exited: Exited[] = [];
  for (;;) {
    const info = out(SIGINFO_BYTES);
    if (attempt(local, waitid(P.ALL, 0, info, W.EXITED | W.NOHANG)) < 0) return exited;
    const one = readExited(info);
    if (one === undefined) return exited;
    exited.push(one);
  }
}

/** Takes note of the end of one child, while others may be reaped too. */
export interface Reaper {
  /** What a subreaper has to do for the orphans that it is given, whenever SIGCHLD says that one may have ended. */
  reapOrphans(): void;
  /** Of the child, once it has ended. @throws EffectError when somebody else has reaped it */
  exitStatus(): number;
}

export function reaperOf(local: Kernel, pid: number): Reaper {
  let own: Exited | undefined;
  return {
    reapOrphans() {
      for (const one of reapAll(local)) if (one.pid === pid) own = one;
    },
    exitStatus() {
      own ??= reap(local, pid);
      if (own === undefined) throw new EffectError(`the exit status of process ${pid} went to another process`);
      return own.status;
    },
  };
}

/**
 * Ends a child by SIGKILL, and reaps it. The wait stops the engine.
 * @throws InterruptedError where the child does not end (it is frozen, say), and this command is told to
 */
export function endChild({ local, interruption }: Pick<Platform, 'local' | 'interruption'>, pid: number): void {
  if (!killChild(local, pid)) return;
  if (interruption?.watching) {
    const pidfd = call(local, pidfdOpen(pid));
    try {
      interruption.awaitReadable(pidfd);
    } finally {
      attempt(local, close(pidfd));
    }
  }
  awaitEnd(local, pid);
}

/**
 * Waits until a process has ended, without stopping the engine.
 * @returns what became of it; undefined when only its parent can know that
 * @throws SyscallError
 */
export async function awaitExit(platform: Platform, pid: number): Promise<Exited | undefined> {
  const { local } = platform;
  let pidfd: number;
  try {
    pidfd = call(local, pidfdOpen(pid));
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
  try {
    for (let ready = 0; ready === 0; ) [ready = 0] = await platform.poll([{ fd: pidfd, events: POLL.IN }]);
    return reap(local, pid);
  } finally {
    perform(local, [close(pidfd)]);
  }
}
