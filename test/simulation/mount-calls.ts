/** Calls that mount. */

import { AT, FS_MAGIC, O } from '../../native/constants/files.ts';
import { FSCONFIG, MNT, MOUNT_ATTR, MOVE_MOUNT, MS, OPEN_TREE } from '../../native/constants/mount.ts';
import { OpenFile } from './descriptors.ts';
import { fail } from './failure.ts';
import { attach, change, copyTree, detach, Mount, type Path, pivot, samePath, top, unlink } from './mounts.ts';
import { FileSystem } from './nodes.ts';
import { procFileSystem, sysFileSystem } from './proc.ts';
import type { Process } from './processes.ts';
import { devptsFileSystem } from './terminals.ts';
import { lookUp, lookUpAt } from './walk.ts';
import type { Calls, World } from './world.ts';

/** A file system that is being configured: fsopen(2). */
export interface FsContext {
  readonly type: string;
  readonly parameters: Map<string, string>;
  fs: FileSystem | undefined;
}

/** The parameters that file systems take, besides the general ones (mount(8) and their own documentation). */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  tmpfs: ['size', 'nr_blocks', 'nr_inodes', 'mode', 'uid', 'gid', 'huge', 'mpol', 'inode32', 'inode64', 'noswap'],
  devpts: ['newinstance', 'ptmxmode', 'mode', 'uid', 'gid', 'max'],
  proc: ['hidepid', 'gid', 'subset'],
  sysfs: [],
  mqueue: [],
  cgroup2: ['nsdelegate', 'memory_recursiveprot'],
  cgroup: ['none', 'name', 'all', 'cpuset', 'cpu', 'cpuacct', 'memory', 'devices', 'freezer', 'pids', 'release_agent'],
};
const GENERAL = ['source', 'ro', 'rw', 'sync', 'async', 'dirsync', 'lazytime', 'nolazytime', 'mand', 'nomand'];

/** Makes the file system, as the process that asks for it may see it. */
function instance(p: Process, type: string, parameters: ReadonlyMap<string, string>): FileSystem {
  const { world } = p;
  if (type === 'proc') return procFileSystem(world, p.namespaces.pid);
  if (type === 'sysfs') return sysFileSystem(world);
  if (type === 'devpts') return devptsFileSystem(world);
  if (type === 'cgroup2' || type === 'cgroup') return hierarchyFor(world, type, parameters);
  const fs = new FileSystem(type, type === 'tmpfs' ? FS_MAGIC.TMPFS : 0x19800202, world.number());
  const mode = parameters.get('mode');
  if (mode !== undefined && !/^[0-7]+$/.test(mode)) fail('EINVAL');
  fs.root.mode = Number.parseInt(mode ?? '1777', 8) & 0o7777;
  fs.root.uid = Number(parameters.get('uid') ?? 0);
  fs.root.gid = Number(parameters.get('gid') ?? 0);
  return fs;
}

function hierarchyFor(world: World, type: string, parameters: ReadonlyMap<string, string>): FileSystem {
  const name = parameters.get('name');
  const wanted =
    type === 'cgroup2' ? [] : [...parameters.keys()].filter((key) => !GENERAL.includes(key) && key !== 'name');
  if (name !== undefined) wanted.push(`name=${name}`);
  const found = world.cgroups.hierarchies.find(
    ({ controllers }) => controllers.length === wanted.length && controllers.every((one) => wanted.includes(one)),
  );
  return found?.fs ?? fail(type === 'cgroup2' ? 'ENODEV' : 'EBUSY');
}

function newMount(p: Process, fs: FileSystem, source: string, attributes: number): Mount {
  const hierarchy = p.world.cgroups.hierarchyOf(fs.root);
  const root = (hierarchy && p.namespaces.cgroup.cgroupRoots.get(hierarchy)) ?? fs.root;
  return new Mount(p.world.number(), fs, root, source, attributes);
}

const contextOf = (p: Process, fd: number): FsContext => p.descriptors.get(fd).context ?? fail('EINVAL');

function setParameter(context: FsContext, key: string, value: string): number {
  const known = PARAMETERS[context.type] ?? [];
  if (context.fs !== undefined) fail('EBUSY');
  if (!known.includes(key) && !GENERAL.includes(key)) fail('EINVAL');
  context.parameters.set(key, value);
  return 0;
}

/** A mount of the caller's own namespace, or a detached one. */
function ownMount(p: Process, path: Path, detachedToo = false): Mount {
  const { tree } = path.mount;
  if (tree !== p.namespaces.mnt.tree && !(detachedToo && tree === undefined)) fail('EINVAL');
  return path.mount;
}

/** The mount whose root a place is. */
function rootedMount(p: Process, path: Path, detachedToo = false): Mount {
  if (path.node !== path.mount.root) fail('EINVAL');
  return ownMount(p, path, detachedToo);
}

/** open_tree(2). Since Linux 6.15 it copies detached mounts, too. Effects must not rely on that. */
function copy(p: Process, from: Path, recursive: boolean): Mount {
  if (ownMount(p, from).unbindable) fail('EINVAL');
  return copyTree(from, recursive, p.world.number);
}

function openTree(p: Process, dirfd: number, path: string, flags: number): number {
  const at = lookUpAt(p, dirfd, path, flags);
  const closeOnExec = (flags & OPEN_TREE.CLOEXEC) !== 0;
  if (!(flags & OPEN_TREE.CLONE)) return p.install(new OpenFile(O.PATH, { path: at }), closeOnExec);
  const mount = copy(p, at, (flags & AT.RECURSIVE) !== 0);
  return p.install(new OpenFile(O.PATH, { path: { mount, node: mount.root } }), closeOnExec);
}

function moveMount(p: Process, from: Path, to: Path): number {
  const mount = rootedMount(p, from, true);
  ownMount(p, to);
  if (mount.root.isDirectory !== to.node.isDirectory) fail('EINVAL');
  if (to.node.unlinked) fail('ENOENT');
  if (mount.tree !== undefined) {
    if (mount.parent === undefined || mount.parent.group !== undefined) fail('EINVAL');
    if (top(to).mount.group !== undefined && mount.all().some(({ unbindable }) => unbindable)) fail('EINVAL');
    for (let at: Mount | undefined = to.mount; at !== undefined; at = at.parent) if (at === mount) fail('ELOOP');
    if (mount.root.unlinked) fail('ENOENT');
    unlink(mount);
  } else if (mount.parent !== undefined) fail('EINVAL');
  attach(mount, to, p.world.number);
  return 0;
}

/** The attributes after a change. The modes of access times are one field. */
function setAttributes(mount: Mount, set: number, clear: number): void {
  mount.attributes = (mount.attributes & ~clear) | set;
}

function mountSetattr(p: Process, dirfd: number, path: string, flags: number, view: DataView): number {
  const [set, clear, propagation] = [0, 8, 16].map((at) => Number(view.getBigUint64(at, true)));
  if (set === undefined || clear === undefined || propagation === undefined) fail('EINVAL');
  if (set & MOUNT_ATTR.ATIME && (clear & MOUNT_ATTR.ATIME) !== MOUNT_ATTR.ATIME) fail('EINVAL');
  const mount = rootedMount(p, lookUpAt(p, dirfd, path, flags), true);
  for (const one of flags & AT.RECURSIVE ? mount.all() : [mount]) {
    setAttributes(one, set, clear);
    if (propagation !== 0) change(one, propagation);
  }
  return 0;
}

/** The flags of mount(2) that are attributes of a mount. The first four are the same bits. */
function attributesOf(flags: number): number {
  const atime = flags & MS.NOATIME ? MOUNT_ATTR.NOATIME : flags & MS.STRICTATIME ? MOUNT_ATTR.STRICTATIME : 0;
  return (flags & 15) | atime | (flags & MS.NODIRATIME ? MOUNT_ATTR.NODIRATIME : 0);
}

const PROPAGATION = MS.SHARED | MS.PRIVATE | MS.SLAVE | MS.UNBINDABLE;
const ALL_ATTRIBUTES = 15 | MOUNT_ATTR.ATIME | MOUNT_ATTR.NODIRATIME;

function mount(p: Process, source: string, target: string, type: string, flags: number, data: string): number {
  const at = lookUp(p, AT.FDCWD, target, { follow: true });
  if (flags & MS.REMOUNT) {
    const mount = rootedMount(p, at);
    setAttributes(mount, attributesOf(flags), ALL_ATTRIBUTES);
    if (!(flags & MS.BIND)) mount.fs.readOnly = (flags & MS.RDONLY) !== 0;
    return 0;
  }
  if (flags & MS.BIND) {
    const from = lookUp(p, AT.FDCWD, source, { follow: true });
    ownMount(p, at);
    attach(copy(p, from, (flags & MS.REC) !== 0), at, p.world.number);
    return 0;
  }
  if (flags & PROPAGATION) {
    const root = rootedMount(p, at);
    for (const one of flags & MS.REC ? root.all() : [root]) change(one, flags & PROPAGATION);
    return 0;
  }
  if (flags & MS.MOVE) return moveMount(p, lookUp(p, AT.FDCWD, source, { follow: true }), at);
  const context = newContext(type);
  for (const option of data.split(',').filter((one) => one !== '')) {
    const [key = '', ...value] = option.split('=');
    setParameter(context, key, value.join('='));
  }
  ownMount(p, at);
  attach(newMount(p, instance(p, type, context.parameters), source, attributesOf(flags)), at, p.world.number);
  return 0;
}

function newContext(type: string): FsContext {
  if (!(type in PARAMETERS)) fail('ENODEV');
  return { type, parameters: new Map(), fs: undefined };
}

function umount(p: Process, target: string, flags: number): number {
  const at = lookUp(p, AT.FDCWD, target, { follow: (flags & MNT.NOFOLLOW) === 0 });
  const mount = rootedMount(p, at);
  if (!(flags & MNT.DETACH) && (mount.children.length > 0 || p.world.isInUse(mount))) fail('EBUSY');
  if (mount.parent === undefined) fail('EINVAL');
  detach(mount);
  return 0;
}

function pivotRoot(p: Process, newRoot: string, putOld: string): number {
  const next = lookUp(p, AT.FDCWD, newRoot, { follow: true });
  const old = lookUp(p, AT.FDCWD, putOld, { follow: true });
  if (!next.node.isDirectory || !old.node.isDirectory) fail('ENOTDIR');
  const before = p.root;
  pivot(rootedMount(p, before), rootedMount(p, next), { mount: ownMount(p, old), node: old.node });
  for (const other of p.world.processes) {
    if (samePath(other.root, before)) other.root = next;
    if (samePath(other.cwd, before)) other.cwd = next;
  }
  return 0;
}

export const mountCalls: Calls = {
  fsopen: (p, a) => p.install(new OpenFile(O.RDWR, { context: newContext(a.str(0)) }), (a.num(1) & 1) !== 0),
  fsconfig(p, a) {
    const context = contextOf(p, a.num(0));
    const command = a.num(1);
    if (command === FSCONFIG.SET_STRING) return setParameter(context, a.str(2), a.str(3));
    if (command === FSCONFIG.SET_FLAG) return setParameter(context, a.str(2), '');
    if (command !== FSCONFIG.CMD_CREATE) fail('EOPNOTSUPP');
    if (context.fs !== undefined) fail('EBUSY');
    context.fs = instance(p, context.type, context.parameters);
    // All mounts of a cgroup hierarchy share it: one mount cannot change it for the others.
    if (context.parameters.has('ro') && !context.type.startsWith('cgroup')) context.fs.readOnly = true;
  },
  fsmount(p, a) {
    const { fs, type, parameters } = contextOf(p, a.num(0));
    if (fs === undefined) fail('EINVAL');
    const mount = newMount(p, fs, parameters.get('source') ?? type, a.num(2));
    return p.install(new OpenFile(O.PATH, { path: { mount, node: mount.root } }), (a.num(1) & 1) !== 0);
  },
  open_tree: (p, a) => openTree(p, a.num(0), a.str(1), a.num(2)),
  move_mount(p, a) {
    const flags = a.num(4);
    const empty = (flag: number) => (flags & flag ? AT.EMPTY_PATH : 0) | AT.SYMLINK_NOFOLLOW;
    const to = lookUpAt(p, a.num(2), a.str(3), empty(MOVE_MOUNT.T_EMPTY_PATH));
    return moveMount(p, lookUpAt(p, a.num(0), a.str(1), empty(MOVE_MOUNT.F_EMPTY_PATH)), to);
  },
  mount_setattr: (p, a) => mountSetattr(p, a.num(0), a.str(1), a.num(2), a.view(3, 32)),
  mount: (p, a) => mount(p, a.optionalStr(0) ?? '', a.str(1), a.optionalStr(2) ?? '', a.num(3), a.optionalStr(4) ?? ''),
  umount2: (p, a) => umount(p, a.str(0), a.num(1)),
  pivot_root: (p, a) => pivotRoot(p, a.str(0), a.str(1)),
  chroot(p, a) {
    const path = lookUp(p, AT.FDCWD, a.str(0), { follow: true });
    if (!path.node.isDirectory) fail('ENOTDIR');
    p.root = path;
  },
};

/** Mounts a new file system for the host, without any process. */
export function furnish(world: World, fs: FileSystem, at: Path, source: string, attributes = 0): Mount {
  const mount = new Mount(world.number(), fs, fs.root, source, attributes);
  attach(mount, top(at), world.number);
  return mount;
}
