/**
 * The simulated file system compared with the real one: random calls on random trees full of symlinks have the same
 * results in both. For real files no root is needed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { close, mkdirat, mknodat, openat, openat2, symlinkat, unlinkat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, RENAME, RESOLVE, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { compare, describe, outcome, type Place, ROOT, steadily } from './both.ts';
import { simulatedPlatform } from './platform.ts';
import { World } from './world.ts';

const folder = mkdtempSync('/tmp/runchart-simulated-');
after(() => rmSync(folder, { recursive: true, force: true }));
const real = localKernel(loadLibc());
let trees = 0;

/** A new, empty directory in each kernel. */
function freshPlaces(): readonly [real: Place, simulated: Place] {
  const { local } = simulatedPlatform(new World());
  return [freshPlace(real, `${folder}/${trees++}`), freshPlace(local, '/tmp/folder')];
}

function freshPlace(kernel: Kernel, path: string): Place {
  call(kernel, mkdirat(AT.FDCWD, path, 0o755));
  call(kernel, mkdirat(AT.FDCWD, `${path}/tree`, 0o755));
  return { kernel, root: call(kernel, openat(AT.FDCWD, `${path}/tree`, O.PATH | O.DIRECTORY)) };
}

// There are few names, so that paths often lead to something.
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
    .record({ from: relative, to: relative, flags: fc.constantFrom(0, RENAME.NOREPLACE, RENAME.EXCHANGE) })
    .map(({ from, to, flags }): Call => ({ name: 'renameat2', args: [ROOT, from, ROOT, to, flags] })),
);
const opening: fc.Arbitrary<Call> = fc
  .record({ path, flags: flag, resolve: fc.tuple(scope, extra).map(([a, b]) => a | b) })
  .map(({ path, flags, resolve }) =>
    // With O_NONBLOCK, a fifo does not stop the test.
    openat2(ROOT, path, {
      flags: flags & O.PATH ? flags : flags | O.NONBLOCK,
      mode: flags & O.CREAT ? 0o640 : 0,
      resolve,
    }),
  );

function compareTrees(calls: readonly Call[]): void {
  const [inReal, inSimulated] = freshPlaces();
  compare(inReal, inSimulated, calls, (place, one) =>
    one.name === 'openat2' ? describe(place.kernel, one) : contained(place, one),
  );
  for (const { kernel, root } of [inReal, inSimulated]) call(kernel, close(root));
}

test('trees of links resolve alike', () => {
  const makes = fc.array(making, { maxLength: 20, size: 'max' });
  const opens = fc.array(opening, { maxLength: 40, size: 'max' });
  fc.assert(
    fc.property(makes, opens, (made, opened) => compareTrees([...made, ...opened])),
    { numRuns: Number(process.env.RUNS ?? 200) },
  );
});

test('calls that change a tree have the same results', () => {
  const steps = fc.array(fc.oneof(making, changing, opening), { maxLength: 60, size: 'max' });
  fc.assert(fc.property(steps, compareTrees), { numRuns: Number(process.env.RUNS ?? 200) });
});

/**
 * Performs a call whose paths the kernel does not keep below a root, but only if they end below it: a link may lead out
 * of the tree, and the host's files must not be touched.
 */
function contained({ kernel, root }: Place, one: Call): string {
  const paths = one.name === 'renameat2' ? [one.args[1], one.args[3]] : [one.args[one.name === 'symlinkat' ? 2 : 1]];
  for (const each of paths) {
    if (typeof each !== 'string') continue;
    const parent = each.replace(/\/+$/, '').split('/').slice(0, -1).join('/') || '.';
    const fd = steadily(kernel, openat2(root, parent, { flags: O.PATH, resolve: RESOLVE.BENEATH }));
    if (fd >= 0) attempt(kernel, close(fd));
    const climbs = each.split('/').includes('..') && (fd < 0 || parent === '.');
    if (fd === -ERRNO.EXDEV || climbs) return 'leads out';
  }
  return outcome(attempt(kernel, one));
}
