/**
 * Simulated mounts compared with real ones: the same calls have the same results. The real ones are in a mount
 * namespace that ends with the test.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { close, closeRange, fchdir, mkdirat, mknodat, openat, openat2, unlinkat } from '../../native/calls/files.ts';
import {
  fsconfigCreate,
  fsmount,
  fsopen,
  mount,
  mountSetattr,
  moveMountTo,
  openTree,
  umount2,
} from '../../native/calls/mounts.ts';
import { unshare, waitid } from '../../native/calls/process.ts';
import { AT, O, RESOLVE, S } from '../../native/constants/files.ts';
import { MNT, MOUNT_ATTR, MS } from '../../native/constants/mount.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { compare, describe, outcome, type Place, ROOT, steadily } from './both.ts';
import { simulatedPlatform } from './platform.ts';
import { World } from './world.ts';

const skip = process.getuid?.() === 0 ? false : 'mounting for real needs root';
const folder = `/tmp/runchart-simulated-mounts-${process.pid}`;
after(() => rmSync(folder, { recursive: true, force: true }));
const real = hostPlatform();

/** A stage with a mount namespace of its own, and a tmpfs in it. */
function freshPlace({ local, spawnStage }: Platform): Place & { end(): void } {
  const { kernel, pid, connection } = spawnStage([0, 1, 2], 'stage');
  perform(kernel, [
    unshare(CLONE.NEWNS),
    mount('', '/', null, MS.REC | MS.PRIVATE, null),
    mount('tmpfs', folder, 'tmpfs', 0, null),
  ]);
  const root = call(kernel, openat(AT.FDCWD, folder, O.PATH | O.DIRECTORY));
  call(kernel, fchdir(root));
  return { kernel, root, end: () => perform(local, [close(connection), waitid(P.PID, pid, out(128), W.EXITED)]) };
}

const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const climbing = fc
  .array(fc.constantFrom('a', 'b', '..', '.'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const propagation = fc.constantFrom(MS.SHARED, MS.PRIVATE, MS.SLAVE, MS.UNBINDABLE);
const attribute = fc.constantFrom(
  { set: MOUNT_ATTR.RDONLY },
  { clear: MOUNT_ATTR.RDONLY },
  { set: MOUNT_ATTR.NOATIME },
  { set: MOUNT_ATTR.NOATIME, clear: MOUNT_ATTR.ATIME },
);

const making: fc.Arbitrary<Call> = fc.oneof(
  { weight: 3, arbitrary: path.map((at) => mkdirat(ROOT, at, 0o755)) },
  path.map((at) => mknodat(ROOT, at, S.IFREG | 0o644)),
  fc.tuple(path, fc.constantFrom(0, AT.REMOVEDIR)).map(([at, flags]) => unlinkat(ROOT, at, flags)),
  fc
    .tuple(path, path, fc.constantFrom(0, 2))
    .map(([from, to, how]): Call => ({ name: 'renameat2', args: [ROOT, from, ROOT, to, how] })),
);
const mounting: fc.Arbitrary<Call> = fc.oneof(
  // Stands for the calls that make and attach a tmpfs.
  { weight: 2, arbitrary: path.map((at): Call => ({ name: 'fsopen', args: [at] })) },
  // Stands for open_tree and move_mount.
  {
    weight: 2,
    arbitrary: fc
      .tuple(path, path, fc.boolean())
      .map(([from, to, deep]): Call => ({ name: 'open_tree', args: [from, to, Number(deep)] })),
  },
  fc.tuple(path, path).map(([from, to]): Call => ({ name: 'move_mount', args: [ROOT, from, ROOT, to, 0] })),
  fc
    .tuple(path, path, fc.constantFrom(0, MS.REC))
    .map(([from, to, deep]) => mount(from, to, null, MS.BIND | deep, null)),
  fc.tuple(path, path).map(([from, to]) => mount(from, to, null, MS.MOVE, null)),
  { weight: 2, arbitrary: fc.tuple(path, fc.constantFrom(0, MNT.DETACH)).map(([at, flags]) => umount2(at, flags)) },
  fc.tuple(path, attribute, fc.boolean()).map(([at, change, deep]) => mountSetattr(ROOT, at, change, deep)),
  fc
    .tuple(path, propagation, fc.boolean())
    .map(([at, type, deep]) => mountSetattr(ROOT, at, { propagation: type }, deep)),
  fc
    .tuple(path, propagation, fc.constantFrom(0, MS.REC))
    .map(([at, type, deep]) => mount('', at, null, type | deep, null)),
);
const looking = fc
  .tuple(climbing, fc.constantFrom(0, RESOLVE.NO_XDEV))
  .map(([at, more]) => openat2(ROOT, at, { flags: O.PATH, resolve: RESOLVE.IN_ROOT | more }));

function performStep(place: Place, one: Call): string {
  const { kernel, root } = place;
  const [first = '', second = ''] = one.args.filter((arg) => typeof arg === 'string');
  if (one.name === 'fsopen') return several(place, addTmpfs(first));
  if (one.name === 'open_tree') return several(place, addBind(first, second, one.args[2] === 1));
  if (one.name === 'openat2') return describe(kernel, one);
  if (one.name === 'mkdirat' || one.name === 'mknodat') return outcome(attempt(kernel, one));
  return outcome(steadily(kernel, { ...one, args: one.args.map((arg) => (arg === ROOT ? root : arg)) }));
}

function addTmpfs(at: string): Batch {
  const batch = new Batch();
  const fs = batch.add(fsopen('tmpfs'));
  batch.add(fsconfigCreate(fs));
  const made = batch.add(fsmount(fs, 0));
  batch.add(moveMountTo(made, AT.FDCWD, at));
  return batch;
}

function addBind(from: string, to: string, recursive: boolean): Batch {
  const batch = new Batch();
  const tree = batch.add(openTree(AT.FDCWD, from, { clone: true, recursive }));
  batch.add(moveMountTo(tree, AT.FDCWD, to));
  return batch;
}

/** Performs calls until the first that fails, then closes what they opened. */
function several({ kernel, root }: Place, { calls }: Batch): string {
  const { results, stoppedAt } = kernel.submit(calls);
  call(kernel, closeRange(root + 1, 0x7fffffff));
  return stoppedAt === undefined ? 'done' : `${calls[stoppedAt]?.name} ${outcome(results[stoppedAt] ?? 0)}`;
}

test('mounts, moves, binds, propagation and unmounts have the same results', { skip }, () => {
  mkdirSync(folder);
  const steps = fc.array(fc.oneof({ weight: 2, arbitrary: making }, { weight: 3, arbitrary: mounting }, looking), {
    maxLength: Number(process.env.STEPS ?? 40),
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (calls) => {
      const world = new World();
      const simulated = simulatedPlatform(world);
      call(simulated.local, mkdirat(AT.FDCWD, folder, 0o755));
      const places = [freshPlace(real), freshPlace(simulated)] as const;
      try {
        compare(...places, [mkdirat(ROOT, 'a', 0o755), mkdirat(ROOT, 'b', 0o755), ...calls], performStep);
      } finally {
        for (const { end } of places) end();
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 100) },
  );
});
