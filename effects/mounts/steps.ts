/** The steps that mounts are made in, as data. */

import type { Fd } from '../../native/kernel/numbers.ts';
import type { Mappings } from '../namespaces/user/mappings.ts';
import type { Placeholder } from '../paths/in-root.ts';
import type { AttributeChange, MountOptions } from './options.ts';

/** What steps have in common that attach a new mount. */
interface NewMount {
  /** The mount point: a path inside the rootfs. */
  readonly at: string;
  /** What is made at the mount point if there is nothing. */
  readonly placeholder: Placeholder;
  readonly propagation: MountOptions['propagation'];
}

/** Makes a new instance of a file system, and mounts it. */
export interface FilesystemStep extends NewMount {
  readonly step: 'filesystem';
  readonly type: string;
  readonly source: string;
  readonly parameters: MountOptions['parameters'];
  /** MOUNT_ATTR_* flags. */
  readonly attributes: number;
  /** No symlink may lead to the mount point: it has to be where the config says (CVE-2019-19921, CVE-2023-27561). */
  readonly ordinary: boolean;
  /** It gets the permissions of the directory that it covers, if that was there before: as runc's tmpfs does. */
  readonly keepsMode: boolean;
  /** It is filled with a copy of what it covers (`tmpcopyup`). */
  readonly copiesUp?: true;
  /** SELinux's label for its root: of a file system that takes no `context`. */
  readonly rootLabel?: string;
  /** What is bound instead if the kernel does not let us have an instance of our own. */
  readonly otherwise?: BindStep | undefined;
}

/** Binds a tree of the host's, as it is seen before pivot_root. */
export interface BindStep extends NewMount {
  readonly step: 'bind';
  readonly source: string;
  /** The source's path inside the rootfs, if it lies there: then it has what earlier steps have mounted in it. */
  readonly within?: string | undefined;
  readonly recursive: boolean;
  /** Whether the source, or the mount point, is a symbolic link itself, and not what that leads to. */
  readonly nofollow?: { readonly source: boolean; readonly destination: boolean } | undefined;
  readonly attributes: AttributeChange;
  /** Attributes that are cleared unless they are locked (mount_namespaces(7)), since options ask for others only. */
  readonly unasked?: number | undefined;
  /** For this mount and all that is mounted below it. */
  readonly attributesBelow: AttributeChange;
  readonly idmap?: MountIdmap | undefined;
  /** In the init: the detached tree of the source, if the host's side has opened it. */
  readonly tree?: Fd;
}

/** Which ids a mount shows: a mapping between those on the disk and those that processes see (mount_setattr(2)). */
export interface MountIdmap {
  /** Undefined for the mappings of the container's user namespace. */
  readonly mappings: Mappings | undefined;
  /** Maps the ids of everything that is mounted below, too. */
  readonly recursive: boolean;
}

/** Gives other options to what is mounted at a path already. */
export interface RemountStep {
  readonly step: 'remount';
  readonly at: string;
  /** For its file system; undefined if only the mount changes. */
  readonly parameters: MountOptions['parameters'] | undefined;
  readonly attributes: AttributeChange;
  readonly unasked: number;
  readonly attributesBelow: AttributeChange;
  readonly propagation: MountOptions['propagation'];
}

/** Makes a symlink: between the controllers' directories of a cgroup v1 mount, or a copy of a bind's source. */
export interface SymlinkStep {
  readonly step: 'symlink';
  readonly at: string;
  readonly target: string;
  /** It is no error that the same link is there. */
  readonly mayExist?: true;
}

/** Sets attributes of a mount that an earlier step made: it could not be read-only while it was being filled. */
export interface AttributesStep {
  readonly step: 'attributes';
  readonly at: string;
  readonly attributes: AttributeChange;
}

export type MountStep = FilesystemStep | BindStep | RemountStep | SymlinkStep | AttributesStep;
