/** How mounts pass between the host and the container (config-linux.md, "Rootfs Mount Propagation"; mount_namespaces(7)). */

import { mount } from '../../native/calls/mounts.ts';
import { MS } from '../../native/constants/mount.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { Linux } from '../../spec/types.ts';
import { parentOf } from '../paths/in-root.ts';

export interface Propagation {
  /** Of the host's tree in the container's mount namespace, before anything is mounted there. */
  readonly tree: number;
  /** Of the mount that the rootfs is on: undefined where `tree` has reached it. */
  readonly parent: number | undefined;
  /** Of the container's root, once it is that; undefined to leave it. */
  readonly root: number | undefined;
}

type Wanted = NonNullable<Linux['rootfsPropagation']>;

const FLAGS: Readonly<Record<Exclude<Wanted, ''>, number>> = {
  private: MS.PRIVATE,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
  rprivate: MS.PRIVATE | MS.REC,
  rshared: MS.SHARED | MS.REC,
  rslave: MS.SLAVE | MS.REC,
  runbindable: MS.UNBINDABLE | MS.REC,
};

/** As runc: without a word of the config's, what the host mounts later is seen, and nothing goes back. */
export function planPropagation(wanted: Wanted | undefined): Propagation {
  if (wanted === undefined || wanted === '') return { tree: MS.SLAVE | MS.REC, parent: undefined, root: undefined };
  const flags = FLAGS[wanted];
  // From a tree that is unbindable itself the rootfs could not be taken.
  if ((flags & MS.UNBINDABLE) !== 0)
    return { tree: (flags & MS.REC) | MS.PRIVATE, parent: MS.PRIVATE, root: MS.UNBINDABLE };
  if ((flags & MS.SHARED) !== 0) return { tree: flags, parent: MS.PRIVATE, root: flags };
  return { tree: flags, parent: flags & ~MS.REC, root: undefined };
}

/** Or what is mounted below the rootfs would appear on the host too, and pivot_root would refuse. @throws SyscallError */
export function partParent(init: Kernel, rootfs: string, parent: number): void {
  for (let path = rootfs; ; path = parentOf(path)) {
    try {
      call(init, mount('', path, null, parent, null));
      return;
    } catch (error) {
      // It is no mount point.
      if (!isErrno(error, 'EINVAL') || path === '/') throw error;
    }
  }
}

/** What is recursively unbindable is so at the very end: masks are bound from the container's own /dev/null. */
export const finalPropagation = (wanted: Wanted | undefined): readonly Call[] =>
  wanted === 'runbindable' ? [mount('', '/', null, FLAGS.runbindable, null)] : [];

export const rootPropagation = ({ root }: Propagation): readonly Call[] =>
  root === undefined ? [] : [mount('', '/', null, root, null)];
