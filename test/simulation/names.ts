/** Calls that make, remove and move names. */

import type { ErrnoName } from '../../native/constants/errno.ts';
import { AT, RENAME, S } from '../../native/constants/files.ts';
import { fail } from './failure.ts';
import type { Path } from './mounts.ts';
import type { Node } from './nodes.ts';
import type { Process } from './processes.ts';
import { type Found, lookUp, startOf, walk } from './walk.ts';
import type { Calls } from './world.ts';

const NAME_ONLY = { follow: 'never' } as const;

export function checkWritable(path: Path): void {
  if (path.mount.readOnly) fail('EROFS');
}

/** Makes something that has a name of its own. @throws Failure `taken` where the name is taken */
export function create(
  p: Process,
  dirfd: number,
  path: string,
  type: number,
  mode: number,
  taken: ErrnoName = 'EEXIST',
): Node {
  const { parent, name, kind, found, slash } = walk(p, dirfd, path, NAME_ONLY);
  if (kind !== 'name' || found !== undefined) fail(taken);
  if (slash && type !== S.IFDIR) fail('ENOENT');
  if (parent.node.unlinked) fail('ENOENT');
  checkWritable(parent);
  return make(p, parent.node, name, type, mode);
}

export function make(p: Process, parent: Node, name: string, type: number, mode: number): Node {
  if (parent.unlinked) fail('ENOENT');
  const { hooks } = parent.fs;
  if (hooks.fixed !== undefined) fail(hooks.fixed);
  const allowed = type === S.IFDIR ? 0o1777 : 0o7777;
  const node = parent.add(name, type, type === S.IFLNK ? 0o777 : mode & allowed & ~p.attributes.umask);
  node.uid = p.attributes.uid;
  node.gid = p.attributes.gid;
  if (type === S.IFDIR) hooks.made?.(node);
  return node;
}

function unlink(p: Process, dirfd: number, path: string, flags: number): number {
  const directory = (flags & AT.REMOVEDIR) !== 0;
  const { parent, kind, covered, slash } = walk(p, dirfd, path, NAME_ONLY);
  if (kind !== 'name')
    fail(directory ? ({ dot: 'EINVAL', dotdot: 'ENOTEMPTY', root: 'EBUSY' } as const)[kind] : 'EISDIR');
  checkWritable(parent);
  if (covered === undefined) fail('ENOENT');
  const { node } = covered;
  if (slash && !directory) fail(node.isDirectory ? 'EISDIR' : 'ENOTDIR');
  if (directory && !node.isDirectory) fail('ENOTDIR');
  if (!directory && node.isDirectory) fail('EISDIR');
  if (isMountPoint(p, node)) fail('EBUSY');
  const { hooks } = node.fs;
  if (hooks.fixed !== undefined) fail('EPERM');
  if (hooks.checkRemovable !== undefined) hooks.checkRemovable(node);
  else if (node.children.size > 0) fail('ENOTEMPTY');
  node.remove();
  return 0;
}

/** Whether anything in the caller's mount namespace is mounted on a node, by whatever path. */
const isMountPoint = (p: Process, node: Node): boolean =>
  p.namespaces.mnt.tree?.root.all().some(({ mountpoint }) => mountpoint === node) === true;

/** The order of the checks is the kernel's (fs/namei.c, do_renameat2 and vfs_rename). */
function rename(p: Process, from: Found, to: Found, flags: number): number {
  const exchange = (flags & RENAME.EXCHANGE) !== 0;
  if (exchange && flags & RENAME.NOREPLACE) fail('EINVAL');
  if (from.parent.mount !== to.parent.mount) fail('EXDEV');
  if (from.kind !== 'name') fail('EBUSY');
  if (to.kind !== 'name') fail(flags & RENAME.NOREPLACE ? 'EEXIST' : 'EBUSY');
  checkWritable(from.parent);
  const source = from.covered?.node ?? fail('ENOENT');
  const target = to.covered?.node;
  if (target !== undefined && flags & RENAME.NOREPLACE) fail('EEXIST');
  if (target === undefined && exchange) fail('ENOENT');
  if (exchange && to.slash && !target?.isDirectory) fail('ENOTDIR');
  if (!source.isDirectory && (from.slash || (to.slash && !exchange))) fail('ENOTDIR');
  if (to.parent.node.isBelow(source)) fail('EINVAL');
  if (target !== undefined && from.parent.node.isBelow(target)) fail(exchange ? 'EINVAL' : 'ENOTEMPTY');
  if (source === target) return 0;
  if (to.parent.node.unlinked) fail('ENOENT');
  if (target !== undefined && !exchange && source.isDirectory !== target.isDirectory)
    fail(source.isDirectory ? 'ENOTDIR' : 'EISDIR');
  if (isMountPoint(p, source) || (target !== undefined && isMountPoint(p, target))) fail('EBUSY');
  if (source.fs.hooks.fixed !== undefined || source.fs.hooks.checkRemovable !== undefined) fail('EPERM');
  if (target !== undefined && !exchange && target.children.size > 0) fail('ENOTEMPTY');
  target?.remove();
  source.parent.children.delete(source.name);
  if (target !== undefined && exchange) target.placeIn(from.parent.node, from.name);
  source.placeIn(to.parent.node, to.name);
  return 0;
}

export const nameCalls: Calls = {
  mkdirat(p, a) {
    create(p, a.num(0), a.str(1), S.IFDIR, a.num(2));
  },
  mknodat(p, a) {
    const type = a.num(2) & S.IFMT || S.IFREG;
    if (type === S.IFDIR) fail('EPERM');
    create(p, a.num(0), a.str(1), type, a.num(2)).rdev = a.num(3);
  },
  symlinkat(p, a) {
    if (a.str(0) === '') fail('ENOENT');
    create(p, a.num(1), a.str(2), S.IFLNK, 0o777).target = a.str(0);
  },
  unlinkat: (p, a) => unlink(p, a.num(0), a.str(1), a.num(2)),
  renameat2: (p, a) =>
    rename(p, walk(p, a.num(0), a.str(1), NAME_ONLY), walk(p, a.num(2), a.str(3), NAME_ONLY), a.num(4)),
  readlinkat(p, a) {
    const path = a.str(1);
    const { node } = path === '' ? startOf(p, a.num(0)) : lookUp(p, a.num(0), path, { follow: false });
    if (!node.isSymlink) fail(path === '' ? 'ENOENT' : 'EINVAL');
    return a.fill(2, node.special.target?.(p) ?? node.target, a.num(3));
  },
};
