/** Where something failed: what a cause is looked for in. */

import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';

export interface Scene {
  /** Performs the look-ups: this process, not one of the container's, which may have given up what that takes. */
  readonly local: Kernel;
  readonly record: ContainerRecord;
  /** The process that was to run: config.json's, or that of an exec. */
  readonly process: Process | undefined;
  /** A process in the container, where there is one. */
  readonly pid: Pid | undefined;
}

/** A directory that paths are looked up below. */
export interface Root {
  readonly directory: Owned;
  /** The process whose mount table has the mounts below it. */
  readonly seenBy: Pid | 'self';
}

/**
 * The container's root, as its processes see it; without one of them, or where it may not be looked at, the rootfs
 * without its mounts.
 * @returns what the caller closes. @throws SyscallError
 */
export function containerRoot({ local, record, pid }: Scene): Root {
  if (pid !== undefined) {
    const fd = attempt(local, openat(AT.FDCWD, `/proc/${pid}/root`, O.PATH | O.DIRECTORY));
    if (fd >= 0) return { directory: new Owned(local, fd), seenBy: pid };
  }
  return rootfs({ local, record, pid: undefined });
}

/**
 * The rootfs before it is the container's root: with the mounts that are made already, where a process of the container
 * sees them.
 * @returns what the caller closes. @throws SyscallError
 */
export function rootfs({ local, record, pid }: Pick<Scene, 'local' | 'record' | 'pid'>): Root {
  if (pid !== undefined) {
    const fd = attempt(local, openat(AT.FDCWD, `/proc/${pid}/root${record.rootfs}`, O.PATH | O.DIRECTORY));
    if (fd >= 0) return { directory: new Owned(local, fd), seenBy: pid };
  }
  return { directory: opened(local, openat(AT.FDCWD, record.rootfs, O.PATH | O.DIRECTORY)), seenBy: 'self' };
}

/** The host's root. @returns what the caller closes. @throws SyscallError */
export const hostRoot = (local: Kernel): Root => ({
  directory: opened(local, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY)),
  seenBy: 'self',
});
