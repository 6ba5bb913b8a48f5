/** The calls of each mount step. */

import { close, type FdArg, fstatfs, STATFS_BYTES, symlinkat } from '../../native/calls/files.ts';
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
import { out } from '../../native/kernel/struct.ts';
import { addOpenPlaceholder, baseOf, openInRoot, parentOf } from '../paths/in-root.ts';
import type { AttributeChange } from './options.ts';
import type { Placement } from './proc-guard.ts';
import type { BindStep, FilesystemStep, MountStep, RemountStep } from './steps.ts';

/** @returns where it is mounted, to be looked at once the batch has been performed */
export function addStep(batch: Batch, root: number, step: MountStep): readonly Placement[] {
  switch (step.step) {
    case 'filesystem': {
      const target = addOpenPlaceholder(batch, root, step.at, step.placeholder, step.ordinary);
      const placement = { step, target: addLook(batch, target), source: undefined };
      const { fs, mount } = addInstance(batch, step);
      addAttach(batch, mount, target, step.propagation);
      batch.add(close(fs));
      return [placement];
    }
    case 'bind': {
      const mount = step.tree ?? batch.add(openTree(AT.FDCWD, step.source, { clone: true, recursive: step.recursive }));
      addOwnAndBelow(batch, mount, step);
      const target = addOpenPlaceholder(batch, root, step.at, step.placeholder);
      const source = step.at === '/proc' ? addLook(batch, mount) : undefined;
      const placement = { step, target: addLook(batch, target), source };
      addAttach(batch, mount, target, step.propagation);
      return [placement];
    }
    case 'remount': {
      const target = batch.add(openInRoot(root, step.at, O.PATH));
      const look = addLook(batch, target);
      const placement = { step, target: look, source: step.at === '/proc' ? look : undefined };
      if (step.parameters !== undefined) {
        const fs = batch.add(fspick(target));
        addParameters(batch, fs, step.parameters);
        batch.add(fsconfigReconfigure(fs));
        batch.add(close(fs));
      }
      addOwnAndBelow(batch, target, step);
      addPropagation(batch, target, step.propagation);
      batch.add(close(target));
      return [placement];
    }
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

/** A new instance of a file system, and a mount of it that is nowhere yet. */
export function addInstance(batch: Batch, step: FilesystemStep): { readonly fs: ResultRef; readonly mount: ResultRef } {
  const fs = batch.add(fsopen(step.type));
  batch.add(fsconfigString(fs, 'source', step.source));
  addParameters(batch, fs, step.parameters);
  batch.add(fsconfigCreate(fs));
  return { fs, mount: batch.add(fsmount(fs, step.attributes)) };
}

function addParameters(batch: Batch, fs: FdArg, parameters: FilesystemStep['parameters']): void {
  for (const [key, value] of parameters)
    batch.add(value === undefined ? fsconfigFlag(fs, key) : fsconfigString(fs, key, value));
}

export function addLook(batch: Batch, fd: FdArg): Out {
  const stat = out(STATFS_BYTES);
  batch.add(fstatfs(fd, stat));
  return stat;
}

function addAttributes(batch: Batch, mount: FdArg, { set, clear }: AttributeChange, recursive: boolean): void {
  if (set !== 0 || clear !== 0) batch.add(mountSetattr(mount, '', { set, clear }, recursive));
}

/** The one that is never locked by itself, that it may go though another may not (and that a kernel may not know). */
function addUnasked(batch: Batch, mount: FdArg, unasked: number): void {
  const { NOSYMFOLLOW } = MOUNT_ATTR;
  for (const clear of [unasked & ~NOSYMFOLLOW, unasked & NOSYMFOLLOW])
    if (clear !== 0) batch.try(mountSetattr(mount, '', { clear }));
}

/** As with runc, whatever their order: what is said of the whole tree holds for its top too, `rro` and `rw` being read-only. */
function addOwnAndBelow(batch: Batch, mount: FdArg, step: BindStep | RemountStep): void {
  addUnasked(batch, mount, step.unasked ?? 0);
  addAttributes(batch, mount, step.attributes, false);
  addAttributes(batch, mount, step.attributesBelow, true);
}

type Propagation = readonly { readonly type: number; readonly recursive: boolean }[];

function addPropagation(batch: Batch, mount: FdArg, propagation: Propagation): void {
  for (const { type, recursive } of propagation) batch.add(mountSetattr(mount, '', { propagation: type }, recursive));
}

/** Closes both. */
export function addAttach(batch: Batch, mount: FdArg, target: FdArg, propagation: Propagation): void {
  batch.add(moveMount(mount, target));
  addPropagation(batch, mount, propagation);
  batch.add(close(mount));
  batch.add(close(target));
}
