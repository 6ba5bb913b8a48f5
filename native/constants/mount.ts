/** Flags of mounts, uapi/linux/mount.h. */

/** mount(2). */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  MANDLOCK: 64,
  DIRSYNC: 128,
  NOSYMFOLLOW: 256,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  SILENT: 32768,
  POSIXACL: 1 << 16,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  I_VERSION: 1 << 23,
  STRICTATIME: 1 << 24,
  LAZYTIME: 1 << 25,
} as const;

/** umount2(2). */
export const MNT = { FORCE: 1, DETACH: 2, EXPIRE: 4, NOFOLLOW: 8 } as const;

/** fsopen(2), since Linux 5.2. */
export const FSOPEN = { CLOEXEC: 1 } as const;

/** fspick(2), since Linux 5.2. */
export const FSPICK = { CLOEXEC: 1, EMPTY_PATH: 8 } as const;

/** fsconfig(2). */
export const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, SET_FD: 5, CMD_CREATE: 6, CMD_RECONFIGURE: 7 } as const;

/** fsmount(2). */
export const FSMOUNT = { CLOEXEC: 1 } as const;

/** open_tree(2). */
export const OPEN_TREE = { CLONE: 1, CLOEXEC: 0o2000000 } as const;

/** move_mount(2). */
export const MOVE_MOUNT = { F_EMPTY_PATH: 0x04, T_SYMLINKS: 0x10, T_EMPTY_PATH: 0x40 } as const;

/** mount_setattr(2) (since Linux 5.12) and fsmount(2). */
export const MOUNT_ATTR = {
  RDONLY: 0x01,
  NOSUID: 0x02,
  NODEV: 0x04,
  NOEXEC: 0x08,
  ATIME: 0x70,
  RELATIME: 0x00,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
  NOSYMFOLLOW: 0x200000,
} as const;
