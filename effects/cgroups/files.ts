/** Reads and writes the small text files that cgroups are made of, with as few batches as possible. */

import { close, openat, read, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { out } from '../../native/kernel/struct.ts';
import { CgroupFileError, writeError } from './error.ts';

/** A file to write, in a list that can be compared and shown. */
export interface FileWrite {
  readonly file: string;
  readonly value: string;
}

const decoder = new TextDecoder();
/** One read(2) of a procfs or cgroup file returns a page at most, however large the buffer is. */
const PAGE = 4096;

/** A file that a batch reads. */
export interface PlannedRead {
  readonly path: string;
  readonly opened: ResultRef<Fd>;
  readonly chunks: readonly { readonly into: Out; readonly length: ResultRef }[];
}

/**
 * Adds the calls that read a file to a batch; `textOf` tells the text once the batch has been performed.
 * @param pages how many pages of 4096 bytes the file is expected to have at most
 * @param directory where a relative path starts
 */
export function planRead(batch: Batch, path: string, pages = 1, directory: Fd = AT.FDCWD): PlannedRead {
  const opened = batch.try(openat(directory, path, O.RDONLY));
  const chunks: PlannedRead['chunks'][number][] = [];
  for (let i = 0; i <= pages; i++) {
    // The last read expects the end of the file. If it finds more, the file is longer than was planned for.
    const into = out(i < pages ? PAGE : 8);
    chunks.push({ into, length: batch.try(read(opened, into)) });
  }
  batch.try(close(opened));
  return { path, opened, chunks };
}

/**
 * The text that a planned read found.
 * @returns `-errno` where it failed, undefined where the file is longer than was planned for
 */
export function textOf(file: PlannedRead, results: readonly number[]): string | number | undefined {
  const opened = resultOf(results, file.opened);
  if (opened < 0) return opened;
  let text = '';
  for (const { into, length } of file.chunks) {
    const n = resultOf(results, length);
    if (n < 0) return n;
    if (n === 0) return text;
    text += decoder.decode(into.bytes.subarray(0, n));
  }
  return undefined;
}

const MAX_PAGES = 16_384;

/**
 * Reads a file. @param directory where a relative path starts
 * @returns its text, or `-errno`
 */
export function tryRead(kernel: Kernel, path: string, pages = 1, directory: Fd = AT.FDCWD): string | number {
  for (let room = pages; room <= MAX_PAGES; room *= 4) {
    const batch = new Batch();
    const planned = planRead(batch, path, room, directory);
    const text = textOf(planned, kernel.submit(batch.calls).results);
    if (text !== undefined) return text;
  }
  return -ERRNO.EFBIG;
}

/** Reads a file. @throws CgroupFileError */
export function readText(kernel: Kernel, path: string, pages = 1): string {
  const text = tryRead(kernel, path, pages);
  if (typeof text === 'number') throw new CgroupFileError(`read ${path}`, path, -text);
  return text;
}

/** A file that a batch writes. */
export interface PlannedWrite {
  readonly opened: ResultRef<Fd>;
  readonly written: ResultRef;
}

/**
 * Adds the calls that write a file to a batch; `writtenBy` tells what became of it.
 * @param directory where a relative path starts
 */
export function planWrite(batch: Batch, path: string, value: string, directory: Fd = AT.FDCWD): PlannedWrite {
  const opened = batch.try(openat(directory, path, O.WRONLY));
  const written = batch.try(write(opened, value));
  batch.try(close(opened));
  return { opened, written };
}

/** What became of a planned write: 0, or `-errno` of the call that failed first. */
export function writtenBy({ opened, written }: PlannedWrite, results: readonly number[]): number {
  const fd = resultOf(results, opened);
  return Math.min(0, fd < 0 ? fd : resultOf(results, written));
}

/** Writes a file. @param directory where a relative path starts. @returns 0 or `-errno` */
export function tryWrite(kernel: Kernel, path: string, value: string, directory: Fd = AT.FDCWD): number {
  const batch = new Batch();
  const planned = planWrite(batch, path, value, directory);
  return writtenBy(planned, kernel.submit(batch.calls).results);
}

/** Writes a file. @throws CgroupFileError */
export function writeText(kernel: Kernel, path: string, value: string): void {
  const errno = -tryWrite(kernel, path, value);
  if (errno > 0) throw writeError(path, value, errno);
}
