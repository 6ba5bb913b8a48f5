/** Calls that mount. They take descriptors: a container's files could redirect a path. */

import { AT } from '../constants/files.ts';
import { FSCONFIG, FSMOUNT, FSOPEN, FSPICK, MOVE_MOUNT, OPEN_TREE } from '../constants/mount.ts';
import type { Call } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { u64s } from '../kernel/struct.ts';
import type { FdArg } from './files.ts';

/** fsopen(2), since Linux 5.2. */
export const fsopen = (type: string): Call<Fd> => ({ name: 'fsopen', args: [type, FSOPEN.CLOEXEC] });
export const fsconfigString = (fs: FdArg, key: string, value: string): Call => ({
  name: 'fsconfig',
  args: [fs, FSCONFIG.SET_STRING, key, value, 0],
});
export const fsconfigFlag = (fs: FdArg, key: string): Call => ({
  name: 'fsconfig',
  args: [fs, FSCONFIG.SET_FLAG, key, null, 0],
});
export const fsconfigCreate = (fs: FdArg): Call => ({
  name: 'fsconfig',
  args: [fs, FSCONFIG.CMD_CREATE, null, null, 0],
});
export const fsmount = (fs: FdArg, attributes: number): Call<Fd> => ({
  name: 'fsmount',
  args: [fs, FSMOUNT.CLOEXEC, attributes],
});

/** fspick(2): opens the file system of a mount, so that it can be given other options. */
export const fspick = (mount: FdArg): Call<Fd> => ({
  name: 'fspick',
  args: [mount, '', FSPICK.CLOEXEC | FSPICK.EMPTY_PATH],
});
export const fsconfigReconfigure = (fs: FdArg): Call => ({
  name: 'fsconfig',
  args: [fs, FSCONFIG.CMD_RECONFIGURE, null, null, 0],
});

/**
 * open_tree(2): opens what is at `path`. With `clone` it is a detached copy of the mount; with `recursive`, also of
 * those below it.
 */
interface OpenTreeFlags {
  readonly clone?: boolean;
  readonly recursive?: boolean;
  /** If the path ends with a symbolic link, the link itself is taken. */
  readonly nofollow?: boolean;
}

export const openTree = (dir: FdArg, path: string, flags: OpenTreeFlags = {}): Call<Fd> => ({
  name: 'open_tree',
  args: [
    dir,
    path,
    OPEN_TREE.CLOEXEC |
      (path === '' ? AT.EMPTY_PATH : 0) |
      (flags.clone ? OPEN_TREE.CLONE : 0) |
      (flags.recursive ? AT.RECURSIVE : 0) |
      (flags.nofollow ? AT.SYMLINK_NOFOLLOW : 0),
  ],
});

/** move_mount(2): attaches the detached mount `mount` at the directory or file `target`. */
export const moveMount = (mount: FdArg, target: FdArg): Call => ({
  name: 'move_mount',
  args: [mount, '', target, '', MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH],
});
/** move_mount(2) onto a path, at whose end a symlink is followed. */
export const moveMountTo = (mount: FdArg, dir: FdArg, path: string): Call => ({
  name: 'move_mount',
  args: [mount, '', dir, path, MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_SYMLINKS],
});

interface MountAttributes {
  readonly set?: number;
  readonly clear?: number;
  readonly propagation?: number;
  /** A user namespace's descriptor, for MOUNT_ATTR.IDMAP. */
  readonly userns?: Fd;
}

/** mount_setattr(2), since Linux 5.12. */
export const mountSetattr = (dir: FdArg, path: string, attributes: MountAttributes, recursive = false): Call => ({
  name: 'mount_setattr',
  args: [
    dir,
    path,
    (path === '' ? AT.EMPTY_PATH : 0) | (recursive ? AT.RECURSIVE : 0),
    u64s(attributes.set ?? 0, attributes.clear ?? 0, attributes.propagation ?? 0, attributes.userns ?? 0),
    32,
  ],
});

/** mount(2), for what has no form with descriptors: propagation of the namespace's root, remounts of superblocks. */
export const mount = (
  source: string,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): Call => ({
  name: 'mount',
  args: [source, target, type, flags, data],
});
export const umount2 = (target: string, flags: number): Call => ({ name: 'umount2', args: [target, flags] });
export const pivotRoot = (newRoot: string, putOld: string): Call => ({ name: 'pivot_root', args: [newRoot, putOld] });
export const chroot = (path: string): Call => ({ name: 'chroot', args: [path] });
