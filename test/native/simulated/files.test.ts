/**
 * The simulated file system against the real one: random trees full of symlinks, and random calls on them,
 * have the same results in both. Real files need no root.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  close,
  type Fd,
  getdents,
  mkdirat,
  mknodat,
  openat,
  openat2,
  readlinkat,
  STATX_BYTES,
  statx,
  symlinkat,
  unlinkat,
} from '../../../native/calls/files.ts';
import { ERRNO, errnoName } from '../../../native/constants/errno.ts';
import { AT, O, RESOLVE, S } from '../../../native/constants/files.ts';
import type { Call, Kernel } from '../../../native/kernel.ts';
import { loadLibc } from '../../../native/libc.ts';
import { localKernel } from '../../../native/local.ts';
import { attempt, call } from '../../../native/perform.ts';
import type { TraceEntry } from '../../../native/recording.ts';
import { simulatedPlatform } from '../../../native/simulated/platform.ts';
import { World } from '../../../native/simulated/world.ts';
import { out, viewOf } from '../../../native/struct.ts';
import { textLine } from '../../../native/trace/writer.ts';

const folder = mkdtempSync('/tmp/runchart-simulated-');
after(() => rmSync(folder, { recursive: true, force: true }));
const real = localKernel(loadLibc());
let trees = 0;

/** An empty directory of its own in each kernel, opened. */
function freshRoots(): readonly (readonly [kernel: Kernel, root: number])[] {
  const path = `${folder}/${trees++}`;
  const { local } = simulatedPlatform(new World());
  call(local, mkdirat(AT.FDCWD, '/tmp/folder', 0o755));
  call(local, mkdirat(AT.FDCWD, '/tmp/folder/tree', 0o755));
  call(real, mkdirat(AT.FDCWD, path, 0o755));
  call(real, mkdirat(AT.FDCWD, `${path}/tree`, 0o755));
  return [
    [real, call(real, openat(AT.FDCWD, `${path}/tree`, O.PATH | O.DIRECTORY))],
    [local, call(local, openat(AT.FDCWD, '/tmp/folder/tree', O.PATH | O.DIRECTORY))],
  ];
}

/** What a path leads to, as both kernels can tell it: the error, or the type, the mode, the size of a file, and where it lies. */
function describe(kernel: Kernel, open: Call): string {
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

/** openat2(2) answers EAGAIN where somebody renames or mounts anything while a scoped `..` is resolved; other tests do. */
function steadily(kernel: Kernel, open: Call): number {
  for (;;) {
    const fd = attempt(kernel, open);
    if (fd !== -ERRNO.EAGAIN) return fd;
  }
}

/** The names in a directory; those of an O_PATH descriptor are read by another one. */
function list(kernel: Kernel, dir: Fd): string[] {
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

// Few names, so that paths meet what is there.
const component = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'l', 'm') },
  { weight: 2, arbitrary: fc.constantFrom('..', '.') },
);
const path = fc
  .tuple(
    fc.constantFrom('', '/', '//'),
    fc.array(component, { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', '', '', '/'),
  )
  .map(([start, parts, end]) => start + parts.join('/') + end);
const relative = fc
  .tuple(fc.array(component, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '', '/'))
  .map(([parts, end]) => parts.join('/') + end);
const mode = fc.constantFrom(0o755, 0o777, 0o4711, 0o600, 0);
const flag = fc.constantFrom(
  O.PATH,
  O.PATH | O.DIRECTORY,
  O.PATH | O.NOFOLLOW,
  O.PATH | O.NOFOLLOW | O.DIRECTORY,
  O.RDONLY,
  O.RDONLY | O.DIRECTORY,
  O.RDONLY | O.NOFOLLOW,
  O.WRONLY,
  O.RDWR | O.CREAT,
  O.WRONLY | O.CREAT | O.EXCL,
  O.WRONLY | O.CREAT | O.NOFOLLOW,
  O.WRONLY | O.CREAT | O.TRUNC,
  O.RDONLY | O.CREAT | O.DIRECTORY,
);
const scope = fc.constantFrom(RESOLVE.IN_ROOT, RESOLVE.BENEATH);
const extra = fc.constantFrom(0, RESOLVE.NO_SYMLINKS, RESOLVE.NO_MAGICLINKS, RESOLVE.NO_XDEV);

/** Stands for the descriptor of the tree's root, which differs between the kernels. */
const ROOT = -1000;
const making: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ path: relative, mode }).map(({ path, mode }) => mkdirat(ROOT, path, mode)),
  fc.record({ path: relative, target: path }).map(({ path, target }) => symlinkat(target, ROOT, path)),
  fc
    .record({ path: relative, type: fc.constantFrom(S.IFREG, S.IFIFO, S.IFSOCK, 0), mode })
    .map(({ path, type, mode }) => mknodat(ROOT, path, type | mode)),
);
const changing: fc.Arbitrary<Call> = fc.oneof(
  fc
    .record({ path: relative, flags: fc.constantFrom(0, AT.REMOVEDIR) })
    .map(({ path, flags }) => unlinkat(ROOT, path, flags)),
  fc
    .record({ from: relative, to: relative, flags: fc.constantFrom(0, 1) })
    .map(({ from, to, flags }): Call => ({ name: 'renameat2', args: [ROOT, from, ROOT, to, flags] })),
);
const opening: fc.Arbitrary<Call> = fc
  .record({ path, flags: flag, resolve: fc.tuple(scope, extra).map(([a, b]) => a | b) })
  .map(({ path, flags, resolve }) =>
    // O_NONBLOCK: a fifo must not stop the test.
    openat2(ROOT, path, {
      flags: flags & O.PATH ? flags : flags | O.NONBLOCK,
      mode: flags & O.CREAT ? 0o640 : 0,
      resolve,
    }),
  );

/** Performs the calls in both kernels, in fresh trees, and compares each result. */
function compare(calls: readonly Call[]): void {
  const roots = freshRoots();
  for (const [index, one] of calls.entries()) {
    const [inReal, inSimulated] = roots.map(([kernel, root]) => {
      const placed = { ...one, args: one.args.map((arg) => (arg === ROOT ? root : arg)) };
      return one.name === 'openat2' ? describe(kernel, placed) : contained(kernel, root, placed);
    });
    if (inReal === inSimulated) continue;
    const lines = calls.slice(0, index + 1).map((call) => textLine(entryOf(call)).trim());
    assert.equal(inSimulated, inReal, `the last of these differs:\n${lines.join('\n')}`);
  }
  const trees = roots.map(([kernel, root]) => {
    const tree = describeTree(kernel, root);
    attempt(kernel, close(root));
    return tree;
  });
  assert.deepEqual(trees[1], trees[0]);
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

/** Everything below a directory, with the links' targets. */
function describeTree(kernel: Kernel, root: number, at = '.', depth = 8): string[] {
  const dir = attempt(kernel, openat2(root, at, { flags: O.PATH | O.DIRECTORY | O.NOFOLLOW }));
  if (dir < 0 || depth === 0) return [];
  const lines = list(kernel, dir).flatMap((name) => {
    if (name === '.' || name === '..') return [];
    const link = out(256);
    const length = attempt(kernel, readlinkat(dir, name, link));
    const target = length < 0 ? errnoName(-length) : new TextDecoder().decode(link.bytes.subarray(0, length));
    const what = describe(kernel, openat2(dir, name, { flags: O.PATH | O.NOFOLLOW }));
    return [`${at}/${name} ${what} ${target}`, ...describeTree(kernel, root, `${at}/${name}`, depth - 1)];
  });
  attempt(kernel, close(dir));
  return lines;
}

test('trees of links resolve alike', () => {
  const makes = fc.array(making, { maxLength: 20, size: 'max' });
  const opens = fc.array(opening, { maxLength: 40, size: 'max' });
  fc.assert(
    fc.property(makes, opens, (made, opened) => compare([...made, ...opened])),
    { numRuns: 200 },
  );
});

test('calls that change a tree have the same results', () => {
  const steps = fc.array(fc.oneof(making, changing, opening), { maxLength: 60, size: 'max' });
  fc.assert(fc.property(steps, compare), { numRuns: 200 });
});

/**
 * Performs a call whose paths the kernel resolves without a scope, if the directory that they end in is below the root:
 * a link may lead out of the tree, into the host's, where nothing is to be touched.
 */
function contained(kernel: Kernel, root: number, one: Call): string {
  const paths =
    one.name === 'renameat2' ? [one.args[1], one.args[3]] : [one.name === 'symlinkat' ? one.args[2] : one.args[1]];
  for (const each of paths) {
    if (typeof each !== 'string') continue;
    const parent = each.replace(/\/+$/, '').split('/').slice(0, -1).join('/') || '.';
    const fd = steadily(kernel, openat2(root, parent, { flags: O.PATH, resolve: RESOLVE.BENEATH }));
    if (fd === -ERRNO.EXDEV) return 'leads out';
    if (fd >= 0) attempt(kernel, close(fd));
    if (each.split('/').includes('..') && fd < 0) return 'leads out';
    if (/(^|\/)\.\.\/*$/.test(each) && parent === '.') return 'leads out';
  }
  const result = attempt(kernel, one);
  return result < 0 ? errnoName(-result) : 'done';
}
