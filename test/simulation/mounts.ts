/** Mounts: each mount namespace has a tree of file systems. Mounts propagate between peers, and to slaves. */

import { MOUNT_ATTR, MS } from '../../native/constants/mount.ts';
import { fail } from './failure.ts';
import type { FileSystem, Node } from './nodes.ts';

/** A place: a node, and the mount through which it is reached. */
export interface Path {
  readonly mount: Mount;
  readonly node: Node;
}

export const samePath = (a: Path, b: Path): boolean => a.mount === b.mount && a.node === b.node;

/** Mounts that get each other's mounts and unmounts. */
class PeerGroup {
  /** The number that mountinfo's optional fields show. */
  readonly id: number;
  readonly members = new Set<Mount>();
  readonly slaves = new Set<Mount>();

  constructor(id: number) {
    this.id = id;
  }
}

/** The tree of a mount namespace. */
export interface MountTree {
  root: Mount;
}

export class Mount {
  readonly id: number;
  readonly fs: FileSystem;
  readonly root: Node;
  readonly source: string;
  attributes: number;
  parent: Mount | undefined;
  mountpoint: Node | undefined;
  readonly children: Mount[] = [];
  /** Undefined while the mount is detached, and after it was unmounted. */
  tree: MountTree | undefined;
  group: PeerGroup | undefined;
  master: PeerGroup | undefined;
  unbindable = false;

  constructor(id: number, fs: FileSystem, root: Node, source: string, attributes = 0) {
    this.id = id;
    this.fs = fs;
    this.root = root;
    this.source = source;
    this.attributes = attributes;
  }

  get readOnly(): boolean {
    return this.fs.readOnly || (this.attributes & MOUNT_ATTR.RDONLY) !== 0;
  }

  /** This mount and all below it, parents first. */
  all(): Mount[] {
    return [this, ...this.children.flatMap((child) => child.all())];
  }
}

/** What one sees at a place: the root of the topmost mount there. */
export function top(path: Path): Path {
  const covering = path.mount.children.find((child) => child.mountpoint === path.node);
  return covering === undefined ? path : top({ mount: covering, node: covering.root });
}

/** A copy of a mount, and of those below it, as open_tree(2) and clone(2) make it. `ids` gives each copy its id. */
export function copyTree(from: Path, recursive: boolean, ids: () => number, copies = new Map<Mount, Mount>()): Mount {
  const { mount, node } = from;
  const copy = new Mount(ids(), mount.fs, node, mount.source, mount.attributes);
  copies.set(mount, copy);
  if (mount.group !== undefined) join(copy, mount.group);
  if (mount.master !== undefined) enslave(copy, mount.master);
  if (!recursive) return copy;
  for (const child of mount.children) {
    if (child.mountpoint === undefined || !child.mountpoint.isBelow(node) || child.unbindable) continue;
    link(copyTree({ mount: child, node: child.root }, true, ids, copies), { mount: copy, node: child.mountpoint });
  }
  return copy;
}

function link(mount: Mount, at: Path): void {
  mount.parent = at.mount;
  mount.mountpoint = at.node;
  at.mount.children.push(mount);
  for (const one of mount.all()) one.tree = at.mount.tree;
}

export function unlink(mount: Mount): void {
  const siblings = mount.parent?.children;
  siblings?.splice(siblings.indexOf(mount), 1);
  mount.parent = undefined;
  mount.mountpoint = undefined;
}

/** Attaches a detached tree at a place, on top of what is there, and wherever that propagates to. */
export function attach(tree: Mount, where: Path, ids: () => number): void {
  const at = top(where);
  if (at.node.unlinked) fail('ENOENT');
  if (at.node.isDirectory !== tree.root.isDirectory) fail('ENOTDIR');
  if (tree.root.unlinked) fail('ENOENT');
  if (at.mount.group !== undefined)
    for (const mount of tree.all()) if (mount.group === undefined) join(mount, new PeerGroup(mount.id));
  for (const [mount, slave] of receivers(at.mount)) {
    // The tree itself may have a peer in it.
    if (mount.tree === undefined || !at.node.isBelow(mount.root)) continue;
    const copy = copyTree({ mount: tree, node: tree.root }, true, ids);
    if (slave) for (const one of copy.all()) change(one, MS.SLAVE);
    link(copy, top({ mount, node: at.node }));
  }
  link(tree, at);
}

/** Unmounts a tree, and wherever that propagates to. Its mounts come apart, as with MNT_DETACH. */
export function detach(mount: Mount): void {
  const { parent, mountpoint } = mount;
  for (const [other] of parent === undefined ? [] : receivers(parent)) {
    const twin = other.children.find((child) => child.mountpoint === mountpoint && child.root === mount.root);
    if (twin !== undefined) dissolve(twin);
  }
  dissolve(mount);
}

function dissolve(mount: Mount): void {
  for (const one of mount.all()) {
    unlink(one);
    one.tree = undefined;
    change(one, MS.PRIVATE);
  }
}

/** The other mounts that mounts below `mount` propagate to. The value is true for those that only receive. */
function receivers(mount: Mount): ReadonlyMap<Mount, boolean> {
  const found = new Map([[mount, false]]);
  // The iteration of a Map also visits what is added meanwhile.
  for (const [one, slave] of found) {
    for (const peer of one.group?.members ?? []) if (!found.has(peer)) found.set(peer, slave);
    for (const receiver of one.group?.slaves ?? []) if (!found.has(receiver)) found.set(receiver, true);
  }
  found.delete(mount);
  return found;
}

/** Changes the propagation type: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
export function change(mount: Mount, type: number): void {
  if (type !== MS.SLAVE) mount.unbindable = type === MS.UNBINDABLE;
  if (type === MS.SHARED) {
    if (mount.group === undefined) join(mount, new PeerGroup(mount.id));
    return;
  }
  const { group } = mount;
  group?.members.delete(mount);
  mount.group = undefined;
  if (type !== MS.SLAVE) {
    mount.master?.slaves.delete(mount);
    mount.master = undefined;
  } else if (group !== undefined && group.members.size > 0) enslave(mount, group);
}

function join(mount: Mount, group: PeerGroup): void {
  mount.group = group;
  group.members.add(mount);
}

function enslave(mount: Mount, master: PeerGroup): void {
  mount.master?.slaves.delete(mount);
  mount.master = master;
  master.slaves.add(mount);
}

/** pivot_root(2): `next` takes the place of `root`, which ends up on top of `putOld`. */
export function pivot(root: Mount, next: Mount, putOld: Path): void {
  const { parent, mountpoint, tree } = root;
  if (next.parent === undefined || next === root || putOld.mount === root) fail(next === root ? 'EBUSY' : 'EINVAL');
  for (const mount of [putOld.mount, next.parent, parent]) if (mount?.group !== undefined) fail('EINVAL');
  unlink(next);
  if (parent === undefined || mountpoint === undefined) {
    if (tree !== undefined) tree.root = next;
  } else {
    unlink(root);
    link(next, { mount: parent, node: mountpoint });
  }
  link(root, top(putOld));
}
