/** The small text files that cgroups are made of: read and written in as few trips as possible. */

import { close, openat, read, write } from '../../native/calls/files.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Call, Kernel, Out } from '../../native/kernel/kernel.ts';
import { out, result, u64s } from '../../native/kernel/struct.ts';

/** An operation on a cgroup that failed: `write 12x to /sys/fs/cgroup/a/pids.max: EINVAL: invalid argument`. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError';
  /** Positive, as in errno(3); 0 where no system call failed. */
  readonly errno: number;
  readonly path: string;

  constructor(what: string, path: string, errno: number) {
    super(errno === 0 ? what : `${what}: ${errnoName(errno)}: ${errnoText(errno)}`);
    this.path = path;
    this.errno = errno;
  }
}

/** What runc says first of a cgroup that cannot be made or entered, and engines know. */
export const APPLYING = 'unable to apply cgroup configuration';

export const isCgroupError = (error: unknown, ...names: readonly (keyof typeof ERRNO)[]): error is CgroupError =>
  error instanceof CgroupError && names.some((name) => ERRNO[name] === error.errno);

/** A file to write, in a list that can be compared and shown. */
export interface FileWrite {
  readonly file: string;
  readonly value: string;
}

/** A batch under construction: calls that know their own place in it. */
export class Batch {
  readonly calls: Call[] = [];

  /** Adds a call and returns its index. */
  add(call: Call): number {
    return this.calls.push(call) - 1;
  }

  /** Adds a call whose failure is looked at afterwards. */
  try(call: Call): number {
    return this.add({ ...call, mayFail: true });
  }
}

const decoder = new TextDecoder();
// A procfs or cgroup file hands out a page a read at the most, whatever the buffer's size.
const PAGE = 4096;

/** The calls that read a file, for a batch of the caller's; `textAt` tells the text once it has been performed. */
export function planRead(batch: Batch, path: string, pages = 1, directory: number = AT.FDCWD): FileRead {
  const open = batch.try(openat(directory, path, O.RDONLY));
  const chunks: FileRead['chunks'][number][] = [];
  for (let i = 0; i <= pages; i++) {
    // The last one is to find nothing more.
    const into = out(i < pages ? PAGE : 8);
    chunks.push({ into, at: batch.try(read(result(open), into)) });
  }
  batch.try(close(result(open)));
  return { path, open, chunks };
}

interface FileRead {
  readonly path: string;
  readonly open: number;
  readonly chunks: readonly { readonly into: Out; readonly at: number }[];
}

/** The text that a planned read found, `-errno`, or undefined where the file is longer than was planned for. */
export function textAt(file: FileRead, results: readonly number[]): string | number | undefined {
  const opened = results[file.open] ?? 0;
  if (opened < 0) return opened;
  let text = '';
  for (const { into, at } of file.chunks) {
    const n = results[at] ?? 0;
    if (n < 0) return n;
    if (n === 0) return text;
    text += decoder.decode(into.bytes.subarray(0, n));
  }
  return undefined;
}

const MAX_PAGES = 16_384;

/** A file's text, or `-errno`. @param directory a descriptor, where the path is relative */
export function tryRead(kernel: Kernel, path: string, pages = 1, directory: number = AT.FDCWD): string | number {
  for (let room = pages; room <= MAX_PAGES; room *= 4) {
    const batch = new Batch();
    const planned = planRead(batch, path, room, directory);
    const text = textAt(planned, kernel.submit(batch.calls).results);
    if (text !== undefined) return text;
  }
  return -ERRNO.EFBIG;
}

/** @throws CgroupError */
export function readText(kernel: Kernel, path: string, pages = 1): string {
  const text = tryRead(kernel, path, pages);
  if (typeof text === 'number') throw new CgroupError(`read ${path}`, path, -text);
  return text;
}

/** Adds the calls that write a file and returns the index of the `openat`; the `write` is the next one. */
export function planWrite(batch: Batch, path: string, value: string, directory: number = AT.FDCWD): number {
  const open = batch.try(openat(directory, path, O.WRONLY));
  batch.try(write(result(open), value));
  batch.try(close(result(open)));
  return open;
}

/** What became of a planned write: 0 or `-errno`. */
export const writtenAt = (open: number, results: readonly number[]): number =>
  Math.min(0, (results[open] ?? 0) < 0 ? (results[open] ?? 0) : (results[open + 1] ?? 0));

/** Writes a file and returns 0 or `-errno`. @param directory a descriptor, where the path is relative */
export function tryWrite(kernel: Kernel, path: string, value: string, directory: number = AT.FDCWD): number {
  const batch = new Batch();
  const open = planWrite(batch, path, value, directory);
  return writtenAt(open, kernel.submit(batch.calls).results);
}

/** @throws CgroupError */
export function writeText(kernel: Kernel, path: string, value: string): void {
  const errno = -tryWrite(kernel, path, value);
  if (errno > 0) throw writeError(path, value, errno);
}

export const writeError = (path: string, value: string, errno: number): CgroupError =>
  new CgroupError(`write ${value.trimEnd()} to ${path}`, path, errno);

/** Lets the performer sleep. A signal may cut it short. */
export function sleep(kernel: Kernel, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
  kernel.submit([{ name: 'nanosleep', args: [u64s(seconds, nanoseconds), null], mayFail: true }]);
}
