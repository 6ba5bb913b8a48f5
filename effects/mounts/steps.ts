/** The steps that mounts are made in, as data. */

import type { Mappings } from '../namespaces/user/mappings.ts';
import type { Placeholder } from '../paths/in-root.ts';
import type { AttributeChange, MountOptions } from './options.ts';

interface Placed {
  /** Where, inside of the rootfs. */
  readonly at: string;
  readonly placeholder: Placeholder;
  readonly propagation: MountOptions['propagation'];
}

/** A new instance of a file system. */
export interface FilesystemStep extends Placed {
  readonly step: 'filesystem';
  readonly type: string;
  readonly source: string;
  readonly parameters: MountOptions['parameters'];
  readonly attributes: number;
  /** No symlink may lead to the mount point: it is to be where the config says (CVE-2019-19921, CVE-2023-27561). */
  readonly ordinary: boolean;
  /** It takes the permissions of the directory that it covers, where that was there before, as runc's tmpfs does. */
  readonly keepsMode: boolean;
  /** It is filled with what it covers (`tmpcopyup`). */
  readonly copiesUp?: true;
  /** What is bound in its place where the kernel lets us have no instance of our own. */
  readonly otherwise?: BindStep | undefined;
}

/** A tree of the host's, as it is seen before pivot_root. */
export interface BindStep extends Placed {
  readonly step: 'bind';
  readonly source: string;
  /** The source's path inside of the rootfs, where it lies there: what earlier steps have mounted is part of it. */
  readonly within?: string | undefined;
  readonly recursive: boolean;
  readonly attributes: AttributeChange;
  /** Attributes that go where they are not locked (mount_namespaces(7)): no option asks for them, but some for others. */
  readonly unasked?: number | undefined;
  readonly attributesBelow: AttributeChange;
  readonly idmap?: MountIdmap | undefined;
  /** In the init: the source's detached tree, where the host's side has opened it. */
  readonly tree?: number;
}

/** What ids a mount shows: mapped once more, between what is on the disk and what processes see (mount_setattr(2)). */
export interface MountIdmap {
  /** Undefined for those of the container's user namespace. */
  readonly mappings: Mappings | undefined;
  /** Of all that is mounted below, too. */
  readonly recursive: boolean;
}

/** Other options for what is mounted at a path already. */
export interface RemountStep {
  readonly step: 'remount';
  readonly at: string;
  /** For its file system: undefined where only the mount changes. */
  readonly parameters: MountOptions['parameters'] | undefined;
  readonly attributes: AttributeChange;
  readonly unasked: number;
  readonly attributesBelow: AttributeChange;
  readonly propagation: MountOptions['propagation'];
}

/** A symlink between the controllers' directories of a cgroup v1 mount. */
export interface SymlinkStep {
  readonly step: 'symlink';
  readonly at: string;
  readonly target: string;
}

/** Attributes of a mount that an earlier step made: what could not be read-only while it was being filled. */
export interface AttributesStep {
  readonly step: 'attributes';
  readonly at: string;
  readonly attributes: AttributeChange;
}

export type MountStep = FilesystemStep | BindStep | RemountStep | SymlinkStep | AttributesStep;
