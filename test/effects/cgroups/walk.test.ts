import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { CgroupError } from '../../../effects/cgroups/error.ts';
import { members } from '../../../effects/cgroups/members.ts';
import { removeCgroup } from '../../../effects/cgroups/remove.ts';
import { type Visitor, walkCgroups } from '../../../effects/cgroups/walk.ts';
import type { FileName } from '../../../native/calls/directory-entries.ts';
import { close, mkdirat, openat, write } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import { FaultPlan, faultKernel, onlyCall } from '../../simulation/faults.ts';
import { simulatedPlatform } from '../../simulation/platform.ts';
import { World } from '../../simulation/world.ts';

const TOP = '/sys/fs/cgroup/c';
const record: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: TOP } };
const platform = () => simulatedPlatform(new World('v2'));

/** Makes the top and each path below it. A parent comes before its children. */
function grow(kernel: Kernel, paths: readonly string[]): void {
  perform(kernel, [mkdirat(AT.FDCWD, TOP, 0o755), ...paths.map((path) => mkdirat(AT.FDCWD, `${TOP}/${path}`, 0o755))]);
}

/** Nests cgroups so deep that the path of the deepest one is longer than the kernel takes. */
function nest(kernel: Kernel, name: string, depth: number): void {
  grow(kernel, []);
  let fd = call(kernel, openat(AT.FDCWD, TOP, O.RDONLY));
  for (let level = 0; level < depth; level++) {
    const [, below = -1] = perform(kernel, [mkdirat(fd, name, 0o755), openat(fd, name, O.RDONLY), close(fd)]);
    fd = below;
  }
  call(kernel, close(fd));
}

/** Counts how many descriptors are open at the same time. */
function counting(kernel: Kernel): { readonly kernel: Kernel; most(): number; open(): number } {
  let [open, most] = [0, 0];
  return {
    kernel: {
      performer: kernel.performer,
      submit(calls) {
        const outcome = kernel.submit(calls);
        outcome.results.forEach((value, i) => {
          if (value < 0) return;
          if (calls[i]?.name === 'openat') most = Math.max(most, ++open);
          if (calls[i]?.name === 'close') open--;
        });
        return outcome;
      },
    },
    most: () => most,
    open: () => open,
  };
}

/** Writes down the names on the way. */
function diary(): { readonly lines: string[]; readonly visitor: Visitor } {
  const lines: string[] = [];
  return {
    lines,
    visitor: {
      enter(_, below) {
        lines.push(`in ${below.join(' ')}`);
        return below;
      },
      leave: (_, name: FileName) => lines.push(`out of ${name}`),
    },
  };
}

/** What a walk by recursion would write down. */
function expected(paths: readonly string[], at = ''): string[] {
  const below = paths.filter((path) => path.startsWith(at) && !path.slice(at.length).includes('/'));
  const names = below.map((path) => path.slice(at.length));
  return [`in ${names.join(' ')}`, ...names.flatMap((name) => [...expected(paths, `${at}${name}/`), `out of ${name}`])];
}

/** Paths of a tree. Each is a new name below one that is there already. */
const trees = fc.array(fc.nat(), { maxLength: 40 }).map((parents) => {
  const paths: string[] = [];
  for (const [i, parent] of parents.entries()) {
    const above = paths[parent % (paths.length + 1)];
    paths.push(above === undefined ? `${i}` : `${above}/${i}`);
  }
  return paths;
});

describe('the walk through cgroups', () => {
  test('enters each cgroup before those below it, and leaves it after them', () => {
    fc.assert(
      fc.property(trees, (paths) => {
        const { local, leaks } = platform();
        grow(local, paths);
        const before = leaks();
        const { lines, visitor } = diary();
        assert.equal(walkCgroups(local, TOP, visitor), true);
        assert.deepEqual(lines, expected(paths));
        assert.deepEqual(leaks(), before);
        removeCgroup(local, record);
        assert.deepEqual(leaks(), []);
      }),
    );
  });

  test('visits only the cgroups that the visitor names', () => {
    const { local } = platform();
    grow(local, ['a', 'a/x', 'b', 'b/y']);
    const { lines, visitor } = diary();
    walkCgroups(local, TOP, {
      ...visitor,
      enter: (fd, below) => visitor.enter(fd, below).filter((name) => name !== 'a'),
    });
    assert.deepEqual(lines, ['in a b', 'in y', 'in ', 'out of y', 'out of b']);
  });

  test('returns false if there is no such cgroup', () => {
    const { local } = platform();
    const visitor = { enter: () => assert.fail('there is nothing to come to') };
    assert.equal(walkCgroups(local, TOP, visitor), false);
  });

  test('needs few descriptors and no long path, however deep it goes', () => {
    const { local, spawnStage, leaks } = platform();
    nest(local, 'n'.repeat(255), 300);
    const stage = spawnStage([], 'stage');
    const counted = counting(local);
    // Opens the deepest one.
    let deepest = -1;
    walkCgroups(counted.kernel, TOP, {
      enter(fd, below) {
        if (below.length === 0) deepest = call(local, openat(fd, 'cgroup.procs', O.WRONLY));
        return below;
      },
    });
    perform(local, [write(deepest, `${stage.pid}`), close(deepest)]);
    assert.deepEqual(members(counted.kernel, record), [stage.pid]);
    perform(local, [close(stage.connection)]);
    removeCgroup(counted.kernel, record);
    assert.equal(counted.most(), 5);
    assert.equal(counted.open(), 0);
    assert.deepEqual(
      leaks().filter((line) => !line.startsWith('zombie')),
      [],
    );
  });

  test('leaves out a cgroup that vanishes meanwhile', () => {
    const { local } = platform();
    grow(local, ['a', 'a/x', 'b']);
    const { lines, visitor } = diary();
    walkCgroups(local, TOP, {
      enter(fd, below) {
        if (below.length === 2) removeCgroup(local, { ...record, paths: { unified: `${TOP}/a` } });
        return visitor.enter(fd, below);
      },
    });
    assert.deepEqual(lines, ['in a b', 'in ']);
  });

  test('fails if `..` leads to another cgroup than it came from, and closes its descriptors', () => {
    const world = new World('v2');
    const { local, leaks } = simulatedPlatform(world);
    grow(local, ['elsewhere']);
    const deep = Array.from({ length: 8 }, (_, i) => `${'a/'.repeat(i)}a`);
    perform(
      local,
      deep.map((path) => mkdirat(AT.FDCWD, `${TOP}/${path}`, 0o755)),
    );
    const before = leaks();
    const top = world.cgroups.hierarchies.at(-1)?.fs.root.children.get('c');
    let moved = top;
    for (const name of ['a', 'a', 'a', 'a', 'a']) moved = moved?.children.get(name);
    const elsewhere = top?.children.get('elsewhere');
    assert.ok(moved !== undefined && elsewhere !== undefined);
    const { name, parent } = moved;
    assert.throws(
      () =>
        walkCgroups(local, TOP, {
          enter(_, below) {
            if (below.length === 0 && moved.parent === parent) {
              parent.children.delete(name);
              moved.placeIn(elsewhere, name);
            }
            return below.filter((one) => one !== 'elsewhere');
          },
        }),
      /^CgroupError: go back up from a cgroup 6 level\(s\) below \/sys\/fs\/cgroup\/c: ESTALE/,
    );
    elsewhere.children.delete(name);
    moved.placeIn(parent, name);
    assert.deepEqual(leaks(), before);
  });

  test('ends in a tree that grows as fast as it is walked', () => {
    const { local, leaks } = platform();
    grow(local, []);
    let seen = 0;
    const grows: Visitor = {
      enter(fd) {
        seen++;
        call(local, mkdirat(fd, 'more', 0o755));
        return ['more'];
      },
    };
    assert.throws(
      () => walkCgroups(local, TOP, grows, 200),
      (error) =>
        error instanceof CgroupError &&
        error.message === 'give up on /sys/fs/cgroup/c, in which there are more than 200 cgroups',
    );
    assert.equal(seen, 200);
    removeCgroup(local, record);
    assert.deepEqual(leaks(), []);
  });

  test('is complete or fails with one line, whichever call fails, and leaves no descriptor open', () => {
    const { local } = platform();
    grow(local, ['a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/e', 'a/b/c/d/e/f', 'g']);
    const all = diary();
    const none = new FaultPlan(() => undefined);
    walkCgroups(faultKernel(local, none), TOP, all.visitor);
    for (let n = 1; n <= none.seen; n++) {
      const counted = counting(local);
      const seen = diary();
      try {
        walkCgroups(faultKernel(counted.kernel, new FaultPlan(onlyCall(n, 'EACCES'))), TOP, seen.visitor);
        assert.deepEqual(seen.lines, all.lines, `call ${n}`);
      } catch (error) {
        assert.match(String(error), /^CgroupError: [^\n]*: EACCES: permission denied$/);
      }
      assert.equal(counted.open(), 0, `call ${n}`);
    }
  });
});
