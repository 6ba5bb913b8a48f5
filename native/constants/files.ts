/**
 * Flags of files and paths. Octal where the kernel's headers write octal. x86-64 and arm64 differ in four open flags.
 */

const arm = process.arch === 'arm64';

/** open(2), uapi/asm-generic/fcntl.h; arm64 has its own values for DIRECTORY, NOFOLLOW, DIRECT and LARGEFILE. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: arm ? 0o40000 : 0o200000,
  NOFOLLOW: arm ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const;

/** *at(2) calls, uapi/linux/fcntl.h. */
export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  EACCESS: 0x200,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
} as const;

/** openat2(2), uapi/linux/openat2.h. */
export const RESOLVE = {
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  BENEATH: 0x08,
  IN_ROOT: 0x10,
} as const;

/** File types and mode bits, inode(7). */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o060000,
  IFDIR: 0o040000,
  IFCHR: 0o020000,
  IFIFO: 0o010000,
} as const;

/** fcntl(2). */
export const F = {
  DUPFD_CLOEXEC: 1030,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  SETPIPE_SZ: 1031,
  ADD_SEALS: 1033,
} as const;
export const FD_CLOEXEC = 1;

/** memfd_create(2) and its seals. NOEXEC_SEAL and EXEC are since Linux 6.3, where vm.memfd_noexec may demand one. */
export const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2, NOEXEC_SEAL: 8, EXEC: 0x10 } as const;
export const F_SEAL = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8 } as const;

/** renameat2(2), since Linux 3.15. */
export const RENAME = { NOREPLACE: 1, EXCHANGE: 2 } as const;

/** splice(2). */
export const SPLICE = { MOVE: 1, NONBLOCK: 2 } as const;

/** flock(2). */
export const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;

/** access(2). */
export const R_OK = 4;
export const W_OK = 2;
export const X_OK = 1;

/** close_range(2). */
export const CLOSE_RANGE = { CLOEXEC: 4 } as const;

/** statfs(2) types, uapi/linux/magic.h; those of configfs, fusectl and mqueue are in their sources. */
export const FS_MAGIC = {
  PROC: 0x9fa0,
  SYSFS: 0x62656572,
  TMPFS: 0x01021994,
  CGROUP: 0x27e0eb,
  CGROUP2: 0x63677270,
  RDTGROUP: 0x07655821,
  AUTOFS: 0x0187,
  BINFMT: 0x42494e4d,
  BPF: 0xcafe4a11,
  CONFIGFS: 0x62656570,
  DEBUGFS: 0x64626720,
  DEVPTS: 0x1cd1,
  EFIVARFS: 0xde5e81e4,
  FUSE: 0x65735546,
  FUSECTL: 0x65735543,
  MQUEUE: 0x19800202,
  NSFS: 0x6e736673,
  PSTORE: 0x6165676c,
  SECURITYFS: 0x73636673,
  SELINUX: 0xf97cff8c,
  SMACK: 0x43415d53,
  TRACEFS: 0x74726163,
} as const;
