/** Waits for processes, and tells how they ended. */

import { endingIn } from '../../native/calls/ending.ts';
import { pidfdOpen, SIGINFO_BYTES, waitid } from '../../native/calls/process.ts';
import { awaitEnd, killChild } from '../../native/calls/reap.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { P, W } from '../../native/constants/process.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { EffectError } from '../error.ts';
import { openProcess } from './observe.ts';

export interface Exited {
  readonly pid: Pid;
  /** 0 to 255, as a shell tells it: 128 + n where signal n ended the process. */
  readonly status: number;
  /** The number of the signal that ended it. */
  readonly signal?: number;
}

/** What waitid(2) wrote; undefined when no child had ended (WNOHANG). */
function readExited(info: Out): Exited | undefined {
  const { pid, ending } = endingIn(info);
  if (pid === 0) return undefined;
  const { how, status } = ending;
  return how === 'exited' ? { pid, status: status & 0xff } : { pid, status: 128 + status, signal: status };
}

/**
 * Reaps a child if it has ended. It does not wait.
 * @returns undefined while the child runs, and when it is not (or no longer) a child of this process
 */
export const reapIfEnded = (local: Kernel, pid: Pid): Exited | undefined => reapBy(local, P.PID, pid);

/** The same. @throws EffectError when it is not (or no longer) a child of this process */
export function reapChildIfEnded(local: Kernel, pid: Pid): Exited | undefined {
  const info = out(SIGINFO_BYTES);
  const waited = attempt(local, waitid(P.PID, pid, info, W.EXITED | W.NOHANG));
  if (waited === -ERRNO.ECHILD) throw new EffectError(`the exit status of process ${pid} went to another process`);
  return waited < 0 ? undefined : readExited(info);
}

/** The same for a process that is known by its pidfd. */
export const reapPidfd = (local: Kernel, pidfd: Fd): Exited | undefined => reapBy(local, P.PIDFD, pidfd);

function reapBy(local: Kernel, idType: number, id: number): Exited | undefined {
  const info = out(SIGINFO_BYTES);
  return attempt(local, waitid(idType, id, info, W.EXITED | W.NOHANG)) < 0 ? undefined : readExited(info);
}

/** Reaps all children that have ended. */
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

/** Remembers how one child ended, though other children are reaped at the same time. */
export interface Reaper {
  /** Reaps the orphans that a subreaper is given: to be called on SIGCHLD, which says that one may have ended. */
  reapOrphans(): void;
  /** The child's exit status, 0 to 255, once it has ended. @throws EffectError when somebody else has reaped it */
  exitStatus(): number;
}

export function reaperOf(local: Kernel, pid: Pid): Reaper {
  let own: Exited | undefined;
  return {
    reapOrphans() {
      for (const one of reapAll(local)) if (one.pid === pid) own = one;
    },
    exitStatus() {
      own ??= reapIfEnded(local, pid);
      if (own === undefined) throw new EffectError(`the exit status of process ${pid} went to another process`);
      return own.status;
    },
  };
}

/**
 * Ends a child by SIGKILL, and reaps it. The engine stands still while it waits.
 * @throws InterruptedError where a signal tells this command to end before the child has ended: it may be frozen, say
 */
export function endChild({ local, interruption }: Pick<Platform, 'local' | 'interruption'>, pid: Pid): void {
  if (!killChild(local, pid)) return;
  if (interruption?.watching) {
    using pidfd = opened(local, pidfdOpen(pid));
    interruption.awaitReadable(pidfd.fd);
  }
  awaitEnd(local, pid);
}

/** The same; where the engine has other things to do, it does not stand still (`Platform.answers`). */
export async function endChildAwaited(platform: Platform, pid: Pid): Promise<void> {
  if (platform.answers === undefined) return endChild(platform, pid);
  if (!killChild(platform.local, pid)) return;
  using pidfd = opened(platform.local, pidfdOpen(pid));
  try {
    await awaitReadable(platform, pidfd.fd);
  } finally {
    awaitEnd(platform.local, pid);
  }
}

async function awaitReadable(platform: Platform, pidfd: Fd, signal?: AbortSignal): Promise<void> {
  for (let ready = 0; ready === 0; ) [ready = 0] = await platform.poll([{ fd: pidfd, events: POLL.IN }], -1, signal);
}

/**
 * Waits until a process has ended. The engine goes on meanwhile.
 * @param signal ends the wait
 * @returns how it ended; undefined when it is no child of this process, since only its parent can know
 * @throws EffectError; the signal's reason
 */
export async function awaitExit(platform: Platform, pid: Pid, signal?: AbortSignal): Promise<Exited | undefined> {
  const { local } = platform;
  const fd = openProcess(local, pid);
  if (fd === undefined) return undefined;
  using pidfd = new Owned(local, fd);
  await awaitReadable(platform, pidfd.fd, signal);
  return reapIfEnded(local, pid);
}
