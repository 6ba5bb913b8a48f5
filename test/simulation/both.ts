/** Compares the real kernel with the simulated one: the same calls must have the same results. */

import assert from 'node:assert/strict';
import { readEntries } from '../../native/calls/directory-entries.ts';
import { openat, openat2, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { modeOf, sizeOf, typeOf } from '../../native/calls/stat.ts';
import { ERRNO, errnoName } from '../../native/constants/errno.ts';
import { O, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { TraceEntry } from '../../native/performers/recording.ts';
import { textLine } from '../../native/trace/writer.ts';

/** An argument that stands for the descriptor of the tree's root, which has another number in each kernel. */
export const ROOT = -1000;

/** An open directory in a kernel, in which calls are made. */
export interface Place {
  readonly kernel: Kernel;
  readonly root: Fd;
}

/** Performs each call in both places and compares the outcomes, then compares the trees. */
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
  at: 0,
  index: 0,
  count: 2,
  seconds: 0,
});

export const outcome = (result: number): string => (result < 0 ? errnoName(-result) : 'done');

/** Performs calls, all of which may fail. @returns their outcomes */
export const submit = (kernel: Kernel, ...calls: Call[]): string[] =>
  kernel.submit(calls.map((one) => ({ ...one, mayFail: true }))).results.map(outcome);

/**
 * What a path leads to, in words that both kernels have: the error; or the type and mode, a file's size, and the names
 * in a directory.
 */
export function describe(kernel: Kernel, open: Call<Fd>): string {
  const fd = steadily(kernel, open);
  if (fd < 0) return errnoName(-fd);
  using file = new Owned(kernel, fd);
  const stat = out(STATX_BYTES);
  call(kernel, statx(file.fd, '', stat));
  const size = typeOf(stat) === S.IFREG ? sizeOf(stat) : 0;
  const names = typeOf(stat) === S.IFDIR ? list(kernel, file.fd) : [];
  return `${modeOf(stat).toString(8)} ${size} ${names.join(' ')}`;
}

/**
 * Opens a file, again and again where openat2(2) answers EAGAIN: it does so when somebody renames or mounts anything
 * while it resolves `..` below a root. Other tests do that.
 */
export function steadily(kernel: Kernel, open: Call<Fd>): Fd | number {
  for (;;) {
    const fd = attempt(kernel, open);
    if (fd !== -ERRNO.EAGAIN) return fd;
  }
}

/** The names in a directory. It is opened once more, since nothing can be read from an O_PATH descriptor. */
function list(kernel: Kernel, dir: Fd): string[] {
  const fd = attempt(kernel, openat(dir, '.', O.RDONLY | O.DIRECTORY));
  if (fd < 0) return [errnoName(-fd)];
  using directory = new Owned(kernel, fd);
  const entries = readEntries(kernel, directory.fd);
  return typeof entries === 'number' ? [errnoName(-entries)] : entries.map(({ name }) => String(name)).sort();
}

/** Everything below a directory, with the targets of links. */
function describeTree({ kernel, root }: Place, at = '.', depth = 8): string[] {
  const dir = attempt(kernel, openat2(root, at, { flags: O.PATH | O.DIRECTORY | O.NOFOLLOW }));
  if (dir < 0) return [];
  using directory = new Owned(kernel, dir);
  if (depth === 0) return [];
  return list(kernel, directory.fd).flatMap((name) => {
    const target = readLink(kernel, directory.fd, name) ?? 'no link';
    const what = describe(kernel, openat2(directory.fd, name, { flags: O.PATH | O.NOFOLLOW }));
    return [`${at}/${name} ${what} ${target}`, ...describeTree({ kernel, root }, `${at}/${name}`, depth - 1)];
  });
}
