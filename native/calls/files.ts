/** Calls on files and directories, as data. */

import { AT, F, O, SPLICE } from '../constants/files.ts';
import type { Call, Out, ResultRef } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { u64s } from '../kernel/struct.ts';

/** A descriptor, or the result of an earlier call of the same batch. */
export type FdArg = Fd | ResultRef<Fd>;
/** A path as text, or as bytes with a NUL at the end, since names need not be UTF-8. */
export type FilePath = string | Uint8Array;

interface OpenHow {
  readonly flags: number;
  readonly mode?: number;
  readonly resolve?: number;
}

/** openat2(2), since Linux 5.6. Descriptors are always close-on-exec. */
export const openat2 = (dir: FdArg, path: FilePath, how: OpenHow): Call<Fd> => ({
  name: 'openat2',
  args: [dir, path, u64s(how.flags | O.CLOEXEC, how.mode ?? 0, how.resolve ?? 0), 24],
});

/** openat(2), close-on-exec. */
export const openat = (dir: FdArg, path: FilePath, flags: number, mode = 0): Call<Fd> => ({
  name: 'openat',
  args: [dir, path, flags | O.CLOEXEC, mode],
});

export const close = (fd: FdArg): Call => ({ name: 'close', args: [fd] });
export const read = (fd: FdArg, into: Out): Call => ({ name: 'read', args: [fd, into, into.bytes.length] });
export const pread = (fd: FdArg, into: Out, offset: number): Call => ({
  name: 'pread64',
  args: [fd, into, into.bytes.length, offset],
});
const encoder = new TextEncoder();
export const write = (fd: FdArg, data: string | Uint8Array): Call => {
  const bytes = typeof data === 'string' ? encoder.encode(data) : data;
  return { name: 'write', args: [fd, bytes, bytes.length] };
};
/** splice(2): moves up to `length` bytes from one pipe to another, without waiting for either. */
export const splice = (from: FdArg, to: FdArg, length: number): Call => ({
  name: 'splice',
  args: [from, null, to, null, length, SPLICE.MOVE | SPLICE.NONBLOCK],
});
/** FIONREAD: tells how many bytes a pipe holds, as a 32-bit word. */
export const pipeHolds = (fd: FdArg, into: Out): Call => ({ name: 'ioctl', args: [fd, FIONREAD, into] });
const FIONREAD = 0x541b;
export const mkdirat = (dir: FdArg, path: FilePath, mode: number): Call => ({
  name: 'mkdirat',
  args: [dir, path, mode],
});
export const mknodat = (dir: FdArg, path: FilePath, mode: number, device = 0): Call => ({
  name: 'mknodat',
  args: [dir, path, mode, device],
});
export const symlinkat = (target: FilePath, dir: FdArg, path: FilePath): Call => ({
  name: 'symlinkat',
  args: [target, dir, path],
});
export const unlinkat = (dir: FdArg, path: FilePath, flags = 0): Call => ({
  name: 'unlinkat',
  args: [dir, path, flags],
});
export const rename = (fromDir: FdArg, from: string, toDir: FdArg, to: string, flags = 0): Call => ({
  name: 'renameat2',
  args: [fromDir, from, toDir, to, flags],
});
export const readlinkat = (dir: FdArg, path: FilePath, into: Out): Call => ({
  name: 'readlinkat',
  args: [dir, path, into, into.bytes.length],
});
export const getdents = (fd: FdArg, into: Out): Call => ({ name: 'getdents64', args: [fd, into, into.bytes.length] });
export const fchownat = (dir: FdArg, path: FilePath, uid: number, gid: number, flags = 0): Call => ({
  name: 'fchownat',
  args: [dir, path, uid, gid, flags],
});
export const fchmod = (fd: FdArg, mode: number): Call => ({ name: 'fchmod', args: [fd, mode] });
export const faccessat2 = (dir: FdArg, path: string, mode: number, flags = 0): Call => ({
  name: 'faccessat2',
  args: [dir, path, mode, flags],
});
export const fchdir = (fd: FdArg): Call => ({ name: 'fchdir', args: [fd] });
export const chdir = (path: string): Call => ({ name: 'chdir', args: [path] });
export const flock = (fd: FdArg, operation: number): Call => ({ name: 'flock', args: [fd, operation] });
export const dup3 = (fd: FdArg, to: Fd, flags = 0): Call<Fd> => ({ name: 'dup3', args: [fd, to, flags] });
export const fcntl = (fd: FdArg, command: number, argument: number): Call => ({
  name: 'fcntl',
  args: [fd, command, argument],
});
/** A duplicate of a descriptor, close-on-exec, with the lowest free number from `atLeast` on. */
export const duplicateAbove = (fd: FdArg, atLeast: number): Call<Fd> => fcntl(fd, F.DUPFD_CLOEXEC, atLeast);
/** memfd_create(2): a file in memory. @param name for whoever looks at /proc. @param flags of MFD */
export const memfdCreate = (name: string, flags: number): Call<Fd> => ({ name: 'memfd_create', args: [name, flags] });
/** eventfd(2), with a count of 0, close-on-exec. It never blocks. */
export const eventfd = (): Call<Fd> => ({ name: 'eventfd2', args: [0, O.CLOEXEC | O.NONBLOCK] });
/** close_range(2), since Linux 5.9 (flags CLOEXEC: 5.11). */
export const closeRange = (first: Fd, last: Fd, flags = 0): Call => ({
  name: 'close_range',
  args: [first, last, flags],
});

/** statx(2) of a path, or of the descriptor itself where the path is empty. stat.ts reads the answer. */
export const statx = (dir: FdArg, path: FilePath, into: Out, flags: number = AT.SYMLINK_NOFOLLOW): Call => ({
  name: 'statx',
  args: [dir, path, flags | AT.NO_AUTOMOUNT | (path === '' ? AT.EMPTY_PATH : 0), STATX_BASIC | STATX_MNT_ID, into],
});
const STATX_BASIC = 0x7ff;
const STATX_MNT_ID = 0x1000;
export const STATX_BYTES = 256;

/** fstatfs(2). The first 64-bit word of the answer is the file system's magic number. */
export const fstatfs = (fd: FdArg, into: Out): Call => ({ name: 'fstatfs', args: [fd, into] });
export const STATFS_BYTES = 120;

/** fsetxattr(2), of a descriptor that is no O_PATH one. */
export const fsetxattr = (fd: FdArg, name: string, value: Uint8Array): Call => ({
  name: 'fsetxattr',
  args: [fd, name, value, value.length, 0],
});
