/**
 * Compiled programs, kept in a folder of the state root. What lies there decides what a container may do, so it is used
 * only if folder and file belong to us and nobody else may write to them, and only if the file was made for this very
 * key: all that a program depends on, compared in full. Whatever is wrong with the cache, the profile is compiled anew.
 *
 * A file (little-endian): u64 magic, u32 bytes of the key, u32 bytes of the program, the key padded to 8 bytes, the
 * program twice. Two copies that agree show that nothing was damaged: comparing is the engine's own code, where a
 * checksum in JavaScript takes half a millisecond without a JIT (and node:crypto 5 ms to load).
 */

import { close, mkdirat, openat, read, rename, STATX_BYTES, statx, unlinkat, write } from '../../native/calls/files.ts';
import { sizeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { BPF_MAXINSNS, NATIVE_ARCH, SOCK_FILTER_BYTES } from '../../native/constants/seccomp.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out, result, viewOf } from '../../native/kernel/struct.ts';
import type { LibSeccomp } from '../../native/libraries/libseccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { MAX_FILE_BYTES, makeRoom, noteUse } from './cache-limit.ts';
import { nameOf } from './file-name.ts';

/** The folder's name in the state root: `@` stands in no container's id. */
export const CACHE_FOLDER = '@seccomp';

/** `RSCCP1`: to be raised when compile.ts or enosys.ts come to make other programs. */
const MAGIC = 0x31_50_43_43_53_43_52_00n;
const HEADER_BYTES = 16;
const MAX_PROGRAM_BYTES = BPF_MAXINSNS * SOCK_FILTER_BYTES;

export interface CacheKey {
  /** All that a program depends on. */
  readonly bytes: Uint8Array;
  readonly fileName: string;
}

export function cacheKey(local: Kernel, library: LibSeccomp, profile: Seccomp): CacheKey {
  const { defaultAction, defaultErrnoRet, architectures, syscalls } = profile;
  const parts = [
    library.version,
    library.apiLevel,
    kernelVersion(local),
    NATIVE_ARCH,
    defaultAction,
    defaultErrnoRet ?? null,
    architectures ?? [],
    syscalls ?? [],
  ];
  return keyOf(toJson(parts));
}

export function keyOf(text: string): CacheKey {
  const bytes = new TextEncoder().encode(text);
  return { bytes, fileName: nameOf(bytes) };
}

/** A replacer makes JSON.stringify slow, and hardly a profile has integers beyond 2^53. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? `${field}n` : field));
  }
}

/** Release, version and machine of struct utsname: fields of 65 bytes. */
function kernelVersion(local: Kernel): string {
  const names = out(6 * 65);
  call(local, { name: 'uname', args: [names] });
  return String.fromCharCode(...names.bytes.subarray(2 * 65, 5 * 65)).replaceAll('\0', '');
}

/** The program for a key, or undefined. */
export function readCached(local: Kernel, folder: string, key: CacheKey): Uint8Array | undefined {
  const [folderStat, fileStat] = [out(STATX_BYTES), out(STATX_BYTES)];
  const { results, stoppedAt } = local.submit([
    openat(AT.FDCWD, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW),
    openat(result(0), key.fileName, O.RDONLY | O.NOFOLLOW | O.NONBLOCK),
    statx(result(0), '', folderStat),
    statx(result(1), '', fileStat),
    { name: 'geteuid', args: [] },
  ]);
  const [dir = -1, fd = -1, , , uid = -1] = results;
  try {
    if (stoppedAt !== undefined) return undefined;
    if (!isOurs(folderStat.bytes, uid, S.IFDIR) || !isOurs(fileStat.bytes, uid, S.IFREG)) return undefined;
    const size = sizeOf(fileStat);
    if (size > fileSize(key.bytes, MAX_PROGRAM_BYTES)) return undefined;
    const content = out(size);
    const bytes = attempt(local, read(fd, content));
    const program = parse(content.bytes.subarray(0, Math.max(0, bytes)), key);
    if (program !== undefined) noteUse(local, fd, fileStat);
    return program;
  } finally {
    for (const opened of [fd, dir]) if (opened >= 0) attempt(local, close(opened));
  }
}

/** Keeps a program. A failure is no one's concern: the next command compiles again. */
export function writeCached(local: Kernel, folder: string, key: CacheKey, program: Uint8Array): void {
  const file = compose(key, program);
  if (file.length > MAX_FILE_BYTES) return;
  attempt(local, mkdirat(AT.FDCWD, folder, 0o700));
  const stat = out(STATX_BYTES);
  const { results, stoppedAt } = local.submit([
    openat(AT.FDCWD, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW),
    statx(result(0), '', stat),
    { name: 'geteuid', args: [] },
    { name: 'getpid', args: [] },
  ]);
  const [dir = -1, , uid = -1, pid = 0] = results;
  if (dir < 0) return;
  if (stoppedAt === undefined && isOurs(stat.bytes, uid, S.IFDIR)) {
    makeRoom(local, dir, key.fileName, file.length);
    const name = key.fileName;
    const partial = `${name}.${pid}`;
    const written = local.submit([
      openat(dir, partial, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600),
      { ...write(result(0), file), mayFail: true },
      close(result(0)),
    ]).results;
    if (written[1] === file.length) local.submit([{ ...rename(dir, partial, dir, name), mayFail: true }]);
    if (written[0] !== undefined && written[0] >= 0) attempt(local, unlinkat(dir, partial));
  }
  attempt(local, close(dir));
}

/** In struct statx: u32 uid at byte 20, u16 mode at byte 28. */
function isOurs(stat: Uint8Array, uid: number, type: number): boolean {
  const mode = viewOf(stat).getUint16(28, true);
  return viewOf(stat).getUint32(20, true) === uid && (mode & S.IFMT) === type && (mode & 0o022) === 0;
}

const padded = (length: number): number => (length + 7) & ~7;
const fileSize = (key: Uint8Array, programBytes: number): number =>
  HEADER_BYTES + padded(key.length) + 2 * programBytes;

/** A file's content. */
export function compose({ bytes: key }: CacheKey, program: Uint8Array): Uint8Array {
  const file = new Uint8Array(fileSize(key, program.length));
  const view = viewOf(file);
  view.setBigUint64(0, MAGIC, true);
  view.setUint32(8, key.length, true);
  view.setUint32(12, program.length, true);
  file.set(key, HEADER_BYTES);
  file.set(program, file.length - 2 * program.length);
  file.set(program, file.length - program.length);
  return file;
}

function parse(file: Uint8Array, { bytes: key }: CacheKey): Uint8Array | undefined {
  if (file.length < HEADER_BYTES) return undefined;
  const view = viewOf(file);
  const programBytes = view.getUint32(12, true);
  if (view.getBigUint64(0, true) !== MAGIC || view.getUint32(8, true) !== key.length) return undefined;
  if (programBytes === 0 || programBytes % SOCK_FILTER_BYTES !== 0) return undefined;
  if (file.length !== fileSize(key, programBytes)) return undefined;
  if (!same(file.subarray(HEADER_BYTES, HEADER_BYTES + key.length), key)) return undefined;
  const program = file.slice(file.length - programBytes);
  return same(program, file.subarray(file.length - 2 * programBytes, file.length - programBytes)) ? program : undefined;
}

/** As texts of an encoding that has a character for every byte: the engine's own code. (Node's Buffer takes 0.1 ms to load.) */
function same(a: Uint8Array, b: Uint8Array): boolean {
  const decoder = new TextDecoder('latin1');
  return decoder.decode(a) === decoder.decode(b);
}
