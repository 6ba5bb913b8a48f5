/** What the kernel says about a container's init. Pids are reused: only with its start time is a pid the init. */

import { close } from '../../native/calls/files.ts';
import { pidfdOpen } from '../../native/calls/process.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, SyscallError } from '../../native/kernel/perform.ts';
import type { InitRecord } from '../../spec/record.ts';
import { EffectError, reasonOf } from '../error.ts';
import { findStat } from '../paths/proc.ts';

/** A zombie counts as gone: it only waits for its parent to take note. @throws EffectError */
export function isAlive(local: Kernel, init: InitRecord): boolean {
  try {
    const stat = findStat(local, init.pid);
    return stat?.startTime === init.startTime && stat.state !== 'Z' && stat.state !== 'X';
  } catch (error) {
    throw lookFailure(init.pid, error);
  }
}

const lookFailure = (pid: number, error: unknown): EffectError =>
  new EffectError(`look at process ${pid}, the container's init: ${reasonOf(error)}`, { cause: error });

/** A descriptor of a process; undefined when it is gone. @throws EffectError */
export function openProcess(local: Kernel, pid: number): number | undefined {
  const fd = attempt(local, pidfdOpen(pid));
  if (fd >= 0) return fd;
  // Kernels of 6.1's time say EINVAL where processes live on in the group or session of one that is gone, and where the number
  // is a thread's by now; ENOENT since Linux 6.9.
  if (fd === -ERRNO.ESRCH || fd === -ERRNO.EINVAL || fd === -ERRNO.ENOENT) return undefined;
  throw lookFailure(pid, new SyscallError(pidfdOpen(pid), -fd));
}

/**
 * A descriptor of the init that no reuse of its pid can redirect: the start time is compared after it was opened.
 * @returns undefined when the init is gone
 * @throws EffectError
 */
export function openInit(local: Kernel, init: InitRecord): number | undefined {
  const fd = openProcess(local, init.pid);
  if (fd === undefined) return undefined;
  try {
    if (findStat(local, init.pid)?.startTime === init.startTime) return fd;
  } catch (error) {
    attempt(local, close(fd));
    throw lookFailure(init.pid, error);
  }
  attempt(local, close(fd));
  return undefined;
}

/**
 * Whether the init has executed the container's program. Until then it is runchart's own, which is mostly
 * not dumpable: who may not look at it (rootless) learns the same from that.
 */
export function hasStarted(local: Kernel, init: InitRecord): boolean {
  const program = readLink(local, AT.FDCWD, `/proc/${init.pid}/exe`);
  return program !== undefined && !program.startsWith('/memfd:runchart-init');
}
