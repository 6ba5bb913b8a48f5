/** The real kernel and the simulated one, side by side: the same calls, and whether their results agree. */

import assert from 'node:assert/strict';
import {
  close,
  type FdArg,
  getdents,
  openat,
  openat2,
  readlinkat,
  STATX_BYTES,
  statx,
} from '../../native/calls/files.ts';
import { ERRNO, errnoName } from '../../native/constants/errno.ts';
import { O, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { TraceEntry } from '../../native/performers/recording.ts';
import { textLine } from '../../native/trace/writer.ts';

/** Stands for the descriptor of the tree's root, which differs between the kernels. */
export const ROOT = -1000;

/** A directory in a kernel, opened: where calls happen. */
export interface Place {
  readonly kernel: Kernel;
  readonly root: number;
}

/** Performs each call in both places and compares what came of it, then compares the trees. */
export function compare(
  real: Place,
  simulated: Place,
  calls: readonly Call[],
  perform: (place: Place, one: Call) => string,
): void {
  for (const [index, one] of calls.entries()) {
    const [inReal, inSimulated] = [real, simulated].map((place) =>
      perform(place, { ...one, args: one.args.map((arg) => (arg === ROOT ? place.root : arg)) }),
    );
    if (inReal === inSimulated) continue;
    const lines = calls.slice(0, index + 1).map((call) => textLine(entryOf(call)).trim());
    assert.equal(
      inSimulated,
      inReal,
      `the last of these is ${inReal} in the real kernel, ${inSimulated} in the simulated one:\n${lines.join('\n')}`,
    );
  }
  const lines = calls.map((call) => textLine(entryOf(call)).trim());
  assert.deepEqual(describeTree(simulated), describeTree(real), lines.join('\n'));
}

const entryOf = ({ name, args }: Call): TraceEntry => ({
  performer: 'test',
  name,
  args: args as TraceEntry['args'],
  result: undefined,
  index: 0,
  count: 2,
  seconds: 0,
});

export const outcome = (result: number): string => (result < 0 ? errnoName(-result) : 'done');

/** The outcomes of calls each of which may fail. */
export const submit = (kernel: Kernel, ...calls: Call[]): string[] =>
  kernel.submit(calls.map((one) => ({ ...one, mayFail: true }))).results.map(outcome);

/**
 * What a path leads to, as both kernels can tell it: the error, or the type, the mode, the size of a file, the names in
 * a directory.
 */
export function describe(kernel: Kernel, open: Call): string {
  const fd = steadily(kernel, open);
  if (fd < 0) return errnoName(-fd);
  const into = out(STATX_BYTES);
  call(kernel, statx(fd, '', into));
  const view = viewOf(into.bytes);
  const type = view.getUint16(28, true);
  const size = (type & S.IFMT) === S.IFREG ? Number(view.getBigUint64(40, true)) : 0;
  const names = (type & S.IFMT) === S.IFDIR ? list(kernel, fd) : [];
  attempt(kernel, close(fd));
  return `${type.toString(8)} ${size} ${names.join(' ')}`;
}

/**
 * openat2(2) answers EAGAIN where somebody renames or mounts anything while a scoped `..` is resolved; other tests do.
 */
export function steadily(kernel: Kernel, open: Call): number {
  for (;;) {
    const fd = attempt(kernel, open);
    if (fd !== -ERRNO.EAGAIN) return fd;
  }
}

/** The names in a directory; those of an O_PATH descriptor are read by another one. */
function list(kernel: Kernel, dir: FdArg): string[] {
  const fd = attempt(kernel, openat(dir, '.', O.RDONLY | O.DIRECTORY));
  if (fd < 0) return [errnoName(-fd)];
  const into = out(32768);
  const size = attempt(kernel, getdents(fd, into));
  const view = viewOf(into.bytes);
  const names: string[] = [];
  for (let at = 0; at < size; at += view.getUint16(at + 16, true))
    names.push(new TextDecoder().decode(into.bytes.subarray(at + 19, into.bytes.indexOf(0, at + 19))));
  attempt(kernel, close(fd));
  return names.sort();
}

/** Everything below a directory, with the links' targets. */
function describeTree({ kernel, root }: Place, at = '.', depth = 8): string[] {
  const dir = attempt(kernel, openat2(root, at, { flags: O.PATH | O.DIRECTORY | O.NOFOLLOW }));
  if (dir < 0 || depth === 0) return [];
  const lines = list(kernel, dir).flatMap((name) => {
    if (name === '.' || name === '..') return [];
    const link = out(256);
    const length = attempt(kernel, readlinkat(dir, name, link));
    const target = length < 0 ? errnoName(-length) : new TextDecoder().decode(link.bytes.subarray(0, length));
    const what = describe(kernel, openat2(dir, name, { flags: O.PATH | O.NOFOLLOW }));
    return [`${at}/${name} ${what} ${target}`, ...describeTree({ kernel, root }, `${at}/${name}`, depth - 1)];
  });
  attempt(kernel, close(dir));
  return lines;
}
