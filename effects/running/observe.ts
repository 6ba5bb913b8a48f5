/**
 * What the kernel says about a container's init. The kernel uses pids again: a process is the init only if its start
 * time is the init's too.
 */

import { pidfdOpen } from '../../native/calls/process.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, succeeded } from '../../native/kernel/perform.ts';
import type { InitRecord } from '../../spec/record.ts';
import { doing } from '../error.ts';
import { findStat } from '../paths/proc.ts';

/** A zombie counts as gone: it only waits for its parent to take note. @throws EffectError */
export const isAlive = (local: Kernel, init: InitRecord): boolean =>
  looking(init.pid, () => {
    const stat = findStat(local, init.pid);
    return stat?.startTime === init.startTime && stat.state !== 'Z' && stat.state !== 'X';
  });

const looking = <T>(pid: Pid, action: () => T): T => doing(`look at process ${pid}, the container's init`, action);

/** A pidfd of a process, which the caller closes; undefined when the process is gone. @throws EffectError */
export function openProcess(local: Kernel, pid: Pid): Fd | undefined {
  const open = pidfdOpen(pid);
  const fd = attempt(local, open);
  // Kernels around 6.1 say EINVAL where other processes are still in the group or session of one that is gone, and
  // where the number belongs to a thread by now. Since Linux 6.9 they say ENOENT.
  if (fd === -ERRNO.ESRCH || fd === -ERRNO.EINVAL || fd === -ERRNO.ENOENT) return undefined;
  return looking(pid, () => succeeded(open, fd));
}

/**
 * A pidfd of the init. No reuse of its pid can redirect it: the start time is compared after it was opened.
 * @returns undefined when the init is gone
 * @throws EffectError
 */
export function holdInit(local: Kernel, init: InitRecord): Owned | undefined {
  const fd = openProcess(local, init.pid);
  if (fd === undefined) return undefined;
  using pidfd = new Owned(local, fd);
  const stat = looking(init.pid, () => findStat(local, init.pid));
  return stat?.startTime === init.startTime ? new Owned(local, pidfd.release()) : undefined;
}

/** The same for a caller who closes it. */
export const openInit = (local: Kernel, init: InitRecord): Fd | undefined => holdInit(local, init)?.release();

/**
 * Whether the init has executed the container's program. Until then it runs runchart's own, and is mostly not dumpable.
 * So whoever may not look at it (a user without privileges) learns from the refusal that it has not.
 */
export function hasStarted(local: Kernel, init: InitRecord): boolean {
  const program = readLink(local, AT.FDCWD, `/proc/${init.pid}/exe`);
  return program !== undefined && !program.startsWith('/memfd:runchart-init');
}
