/**
 * How mounts propagate between the host and the container (config-linux.md, "Rootfs Mount Propagation";
 * mount_namespaces(7)).
 */

import { mount } from '../../native/calls/mounts.ts';
import { MS } from '../../native/constants/mount.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { Linux } from '../../spec/types.ts';
import { parentOf } from '../paths/in-root.ts';

export interface Propagation {
  /** MS_* flags for the host's tree in the container's mount namespace, before anything is mounted there. */
  readonly tree: number;
  /** For the mount that the rootfs lies on; undefined if `tree` has reached it already. */
  readonly parent: number | undefined;
  /** For the rootfs, once it is the container's root; undefined to leave it as it is. */
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

/** If the config says nothing, the container sees what the host mounts later, and not the other way: as with runc. */
export function planPropagation(wanted: Wanted | undefined): Propagation {
  if (wanted === undefined || wanted === '') return { tree: MS.SLAVE | MS.REC, parent: undefined, root: undefined };
  const flags = FLAGS[wanted];
  // If the tree were unbindable itself, the rootfs could not be bound from it.
  if ((flags & MS.UNBINDABLE) !== 0)
    return { tree: (flags & MS.REC) | MS.PRIVATE, parent: MS.PRIVATE, root: MS.UNBINDABLE };
  if ((flags & MS.SHARED) !== 0) return { tree: flags, parent: MS.PRIVATE, root: flags };
  return { tree: flags, parent: flags & ~MS.REC, root: undefined };
}

/**
 * Sets the propagation of the mount that the rootfs lies on, at its own path or at one above. If that stayed shared,
 * what is mounted below the rootfs would appear on the host too, and pivot_root(2) would fail.
 * @throws SyscallError
 */
export function partParent(init: Kernel, rootfs: string, parent: number): void {
  for (let path = rootfs; ; path = parentOf(path)) {
    try {
      call(init, mount('', path, null, parent, null));
      return;
    } catch (error) {
      // EINVAL: this path is no mount point.
      if (!isErrno(error, 'EINVAL') || path === '/') throw error;
    }
  }
}

/** `runbindable` is set at the very end: until then masks are bound from the container's own /dev/null. */
export const finalPropagation = (wanted: Wanted | undefined): readonly Call[] =>
  wanted === 'runbindable' ? [mount('', '/', null, FLAGS.runbindable, null)] : [];

export const rootPropagation = ({ root }: Propagation): readonly Call[] =>
  root === undefined ? [] : [mount('', '/', null, root, null)];
