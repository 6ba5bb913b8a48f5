/** The calls of each mount step. */

import { close, type FdArg, fsetxattr, fstatfs, openat, STATFS_BYTES, symlinkat } from '../../native/calls/files.ts';
import {
  fsconfigCreate,
  fsconfigFlag,
  fsconfigReconfigure,
  fsconfigString,
  fsmount,
  fsopen,
  fspick,
  mountSetattr,
  moveMount,
  openTree,
} from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Out, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { out } from '../../native/kernel/struct.ts';
import { addOpenPlaceholder, baseOf, openInRoot, parentOf } from '../paths/in-root.ts';
import type { AttributeChange, MountOptions } from './options.ts';
import type { ProcCheck } from './proc-guard.ts';
import type { BindStep, FilesystemStep, MountStep, RemountStep } from './steps.ts';

/** @returns what has to be checked once the batch has been performed */
export function addStep(batch: Batch, root: Fd, step: MountStep): readonly ProcCheck[] {
  switch (step.step) {
    case 'filesystem':
      return [addFilesystem(batch, root, step)];
    case 'bind':
      return [addBind(batch, root, step)];
    case 'remount':
      return [addRemount(batch, root, step)];
    case 'symlink': {
      const parent = batch.add(openInRoot(root, parentOf(step.at), O.PATH | O.DIRECTORY));
      batch.add(symlinkat(step.target, parent, baseOf(step.at)));
      batch.add(close(parent));
      return [];
    }
    case 'attributes': {
      const target = batch.add(openInRoot(root, step.at, O.PATH | O.DIRECTORY));
      addAttributes(batch, target, step.attributes, false);
      batch.add(close(target));
      return [];
    }
  }
}

function addFilesystem(batch: Batch, root: Fd, step: FilesystemStep): ProcCheck {
  const target = addOpenPlaceholder(batch, root, step.at, step.placeholder, step.ordinary);
  const check = { step, target: addLook(batch, target), source: undefined };
  const { fs, mount } = addInstance(batch, step);
  addMoveMount(batch, mount, target, step.propagation);
  batch.add(close(fs));
  return check;
}

function addBind(batch: Batch, root: Fd, step: BindStep): ProcCheck {
  const { source: from, recursive, nofollow } = step;
  const flags = { clone: true, recursive, nofollow: nofollow?.source ?? false };
  const mount = step.tree ?? batch.add(openTree(AT.FDCWD, from, flags));
  addOwnAndBelow(batch, mount, step);
  const target = nofollow?.destination
    ? batch.add(openInRoot(root, step.at, O.PATH | O.NOFOLLOW))
    : addOpenPlaceholder(batch, root, step.at, step.placeholder);
  const source = step.at === '/proc' ? addLook(batch, mount) : undefined;
  const check = { step, target: addLook(batch, target), source };
  addMoveMount(batch, mount, target, step.propagation);
  return check;
}

function addRemount(batch: Batch, root: Fd, step: RemountStep): ProcCheck {
  const target = batch.add(openInRoot(root, step.at, O.PATH));
  const look = addLook(batch, target);
  if (step.parameters !== undefined) {
    const fs = batch.add(fspick(target));
    addParameters(batch, fs, step.parameters);
    batch.add(fsconfigReconfigure(fs));
    batch.add(close(fs));
  }
  addOwnAndBelow(batch, target, step);
  addPropagation(batch, target, step.propagation);
  batch.add(close(target));
  return { step, target: look, source: step.at === '/proc' ? look : undefined };
}

/** Adds the calls that make a new instance of a file system, and a mount of it that is not attached anywhere yet. */
export function addInstance(
  batch: Batch,
  step: FilesystemStep,
): { readonly fs: ResultRef<Fd>; readonly mount: ResultRef<Fd> } {
  const fs = batch.add(fsopen(step.type));
  batch.add(fsconfigString(fs, 'source', step.source));
  addParameters(batch, fs, step.parameters);
  batch.add(fsconfigCreate(fs));
  const mount = batch.add(fsmount(fs, step.attributes));
  if (step.rootLabel !== undefined) addRootLabel(batch, mount, step.rootLabel);
  return { fs, mount };
}

/** The descriptor of a mount names a place, and is not open for changes. */
function addRootLabel(batch: Batch, mount: FdArg, label: string): void {
  const root = batch.add(openat(mount, '.', O.RDONLY | O.DIRECTORY));
  batch.add(fsetxattr(root, 'security.selinux', new TextEncoder().encode(label)));
  batch.add(close(root));
}

function addParameters(batch: Batch, fs: FdArg, parameters: FilesystemStep['parameters']): void {
  for (const [key, value] of parameters)
    batch.add(value === undefined ? fsconfigFlag(fs, key) : fsconfigString(fs, key, value));
}

/** @returns what fstatfs(2) will tell about it */
export function addLook(batch: Batch, fd: FdArg): Out {
  const statfs = out(STATFS_BYTES);
  batch.add(fstatfs(fd, statfs));
  return statfs;
}

function addAttributes(batch: Batch, mount: FdArg, { set, clear }: AttributeChange, recursive: boolean): void {
  if (set !== 0 || clear !== 0) batch.add(mountSetattr(mount, '', { set, clear }, recursive));
}

/**
 * Clears attributes, if they are not locked. `nosymfollow` has a call of its own: it is never locked by itself, so it
 * can be cleared though another cannot, and an old kernel may not know it. Access times are unasked only beside others
 * that are asked for. If they are locked, a mount would have other ones than the config says: that is an error, as in
 * runc.
 */
function addUnasked(batch: Batch, mount: FdArg, unasked: number): void {
  const { NOSYMFOLLOW, ATIME, NODIRATIME } = MOUNT_ATTR;
  const times = unasked & (ATIME | NODIRATIME);
  if (times !== 0) batch.add(mountSetattr(mount, '', { clear: times }));
  for (const clear of [unasked & ~(NOSYMFOLLOW | times), unasked & NOSYMFOLLOW])
    if (clear !== 0) batch.try(mountSetattr(mount, '', { clear }));
}

/**
 * Options for the whole tree come last, whatever their order in the config: they hold for its top too. So `rro` and
 * `rw` together are read-only, as with runc.
 */
function addOwnAndBelow(batch: Batch, mount: FdArg, step: BindStep | RemountStep): void {
  addUnasked(batch, mount, step.unasked ?? 0);
  addAttributes(batch, mount, step.attributes, false);
  addAttributes(batch, mount, step.attributesBelow, true);
}

function addPropagation(batch: Batch, mount: FdArg, propagation: MountOptions['propagation']): void {
  for (const { type, recursive } of propagation) batch.add(mountSetattr(mount, '', { propagation: type }, recursive));
}

/** Adds the calls that attach a detached mount, and close both descriptors. */
export function addMoveMount(
  batch: Batch,
  mount: FdArg,
  target: FdArg,
  propagation: MountOptions['propagation'],
): void {
  batch.add(moveMount(mount, target));
  addPropagation(batch, mount, propagation);
  batch.add(close(mount));
  batch.add(close(target));
}
