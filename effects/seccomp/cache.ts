/**
 * Keeps compiled programs in a folder of the state root. What lies there decides what a container may do. So a file is
 * used only if it and the folder belong to us, if nobody else may write to them, and if the file was made for this very
 * key: everything that a program depends on, compared in full. Whatever is wrong with the cache, the profile is
 * compiled anew.
 *
 * A file (little-endian): u64 magic, u32 bytes of the key, u32 bytes of the program, the key padded to 8 bytes, the
 * program twice. Two copies that agree show that nothing was damaged. The engine's own code compares them; a checksum
 * in JavaScript would take half a millisecond without a JIT, and node:crypto takes 5 ms to load.
 */

import { close, mkdirat, openat, read, rename, STATX_BYTES, statx, unlinkat, write } from '../../native/calls/files.ts';
import { modeOf, ownerOf, sizeOf, typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { BPF_MAXINSNS, NATIVE_ARCH, SOCK_FILTER_BYTES } from '../../native/constants/seccomp.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { LibSeccomp } from '../../native/libraries/libseccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { MAX_FILE_BYTES, makeRoom, noteUse } from './cache-limit.ts';
import { nameOf } from './file-name.ts';

/** The folder's name in the state root. No container's id has an `@`. */
export const CACHE_FOLDER = '@seccomp';

/** `RSCCP1`. The number is raised when compile.ts or enosys.ts make other programs from now on. */
const MAGIC = 0x31_50_43_43_53_43_52_00n;
const HEADER_BYTES = 16;
const MAX_PROGRAM_BYTES = BPF_MAXINSNS * SOCK_FILTER_BYTES;

export interface CacheKey {
  /** Everything that a program depends on. */
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

/** @param text everything that a program depends on */
export function keyOf(text: string): CacheKey {
  const bytes = new TextEncoder().encode(text);
  return { bytes, fileName: nameOf(bytes) };
}

/** Without a replacer first, which makes JSON.stringify slow: hardly a profile has integers beyond 2^53. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? `${field}n` : field));
  }
}

/** Release, version and machine, of struct utsname: six fields of 65 bytes each. */
function kernelVersion(local: Kernel): string {
  const names = out(6 * 65);
  call(local, { name: 'uname', args: [names] });
  return String.fromCharCode(...names.bytes.subarray(2 * 65, 5 * 65)).replaceAll('\0', '');
}

/** @returns the program for a key; undefined where there is none that can be trusted */
export function readCached(local: Kernel, folder: string, key: CacheKey): Uint8Array | undefined {
  const [folderStat, fileStat] = [out(STATX_BYTES), out(STATX_BYTES)];
  const batch = new Batch();
  const opening = batch.add(openat(AT.FDCWD, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
  const openingFile = batch.add(openat(opening, key.fileName, O.RDONLY | O.NOFOLLOW | O.NONBLOCK));
  batch.add(statx(opening, '', folderStat));
  batch.add(statx(openingFile, '', fileStat));
  const asking = batch.add({ name: 'geteuid', args: [] });
  const { results, stoppedAt } = local.submit(batch.calls);
  using _directory = openedBy(local, results, opening);
  using file = openedBy(local, results, openingFile);
  if (stoppedAt !== undefined || file === undefined) return undefined;
  const uid = resultOf(results, asking);
  if (!isOurs(folderStat, uid, S.IFDIR) || !isOurs(fileStat, uid, S.IFREG)) return undefined;
  const size = sizeOf(fileStat);
  if (size > fileSize(key.bytes, MAX_PROGRAM_BYTES)) return undefined;
  const content = out(size);
  const bytes = attempt(local, read(file.fd, content));
  const program = parse(content.bytes.subarray(0, Math.max(0, bytes)), key);
  if (program !== undefined) noteUse(local, file.fd, fileStat);
  return program;
}

/** @returns undefined where the call failed, or was not reached */
function openedBy(local: Kernel, results: readonly number[], opening: ResultRef<Fd>): Owned | undefined {
  const fd = results[opening.index] ?? -1;
  return fd < 0 ? undefined : new Owned(local, fd);
}

/** Keeps a program. A failure concerns nobody: the next command compiles again. */
export function writeCached(local: Kernel, folder: string, key: CacheKey, program: Uint8Array): void {
  const file = compose(key, program);
  if (file.length > MAX_FILE_BYTES) return;
  attempt(local, mkdirat(AT.FDCWD, folder, 0o700));
  const stat = out(STATX_BYTES);
  const batch = new Batch();
  const opening = batch.add(openat(AT.FDCWD, folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
  batch.add(statx(opening, '', stat));
  const asking = batch.add({ name: 'geteuid', args: [] });
  const naming = batch.add({ name: 'getpid', args: [] });
  const { results, stoppedAt } = local.submit(batch.calls);
  using directory = openedBy(local, results, opening);
  if (directory === undefined || stoppedAt !== undefined) return;
  if (!isOurs(stat, resultOf(results, asking), S.IFDIR)) return;
  makeRoom(local, directory.fd, key.fileName, file.length);
  putFile(local, directory.fd, key.fileName, `${key.fileName}.${resultOf(results, naming)}`, file);
}

/** Writes a whole file, or none. @param partial its name until it is whole */
function putFile(local: Kernel, directory: Fd, name: string, partial: string, content: Uint8Array): void {
  const isWhole = writeNew(local, directory, partial, content);
  if (isWhole) attempt(local, rename(directory, partial, directory, name));
  // Where the file was renamed, nothing has this name any more.
  if (isWhole !== undefined) attempt(local, unlinkat(directory, partial));
}

/** Writes a file that must not be there yet. @returns whether it is whole; undefined where it was not made */
export function writeNew(local: Kernel, directory: Fd, path: string, content: Uint8Array): boolean | undefined {
  const batch = new Batch();
  const opening = batch.add(openat(directory, path, O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o600));
  const writing = batch.try(write(opening, content));
  batch.add(close(opening));
  const { results } = local.submit(batch.calls);
  return (results[opening.index] ?? -1) < 0 ? undefined : results[writing.index] === content.length;
}

/** Whether it is of this type and of this owner, and nobody else may write to it. */
const isOurs = (stat: Out, uid: number, type: number): boolean =>
  ownerOf(stat) === uid && typeOf(stat) === type && (modeOf(stat) & 0o022) === 0;

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

/**
 * Compares the bytes as texts, in an encoding that has a character for every byte: so the engine's own code does it.
 * (Node's Buffer takes 0.1 ms to load.)
 */
function same(a: Uint8Array, b: Uint8Array): boolean {
  const decoder = new TextDecoder('latin1');
  return decoder.decode(a) === decoder.decode(b);
}
