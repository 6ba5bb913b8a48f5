/**
 * Writes limits to a model of the kernel that keeps the kernel's rules between files. Whatever the limits were before,
 * the new ones are in force afterwards.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ioWeight, swapMax } from '../../../../effects/cgroups/limits/conversions.ts';
import type { Limit } from '../../../../effects/cgroups/limits/limit.ts';
import { v1Limits } from '../../../../effects/cgroups/limits/v1.ts';
import { v2Limits } from '../../../../effects/cgroups/limits/v2.ts';
import { cpuQuota } from '../../../../effects/cgroups/systemd/cpu-quota.ts';

/** Files and their values; `invalid` is what the kernel refuses with EINVAL. */
type Files = Map<string, bigint>;

/** Performs the writes. @throws AssertionError where one fails that may not fail */
function perform(files: Files, limits: readonly Limit[], invalid: (files: Files) => boolean): void {
  for (const { file, value, tolerate = [] } of limits) {
    const next: Files = new Map(files);
    // cpu.max has two numbers.
    if (file === 'cpu.max') {
      const [quota = '', period = ''] = value.split(' ');
      next.set('quota', quota === 'max' ? UNLIMITED : BigInt(quota)).set('period', BigInt(period));
    } else next.set(NAMES[file] ?? file, BigInt(value) === -1n ? UNLIMITED : BigInt(value));
    if (invalid(next)) assert.ok(tolerate.includes('EINVAL'), `${file}=${value}`);
    else for (const [name, number] of next) files.set(name, number);
  }
}

const UNLIMITED = 2n ** 63n - 1n;
const NAMES: Readonly<Record<string, string>> = {
  'memory.limit_in_bytes': 'memory',
  'memory.memsw.limit_in_bytes': 'both',
  'cpu.cfs_quota_us': 'quota',
  'cpu.cfs_period_us': 'period',
  'cpu.cfs_burst_us': 'burst',
  'cpu.max.burst': 'burst',
};

const bytes = fc.integer({ min: 1, max: 2 ** 40 }).map((n) => BigInt(n) * 4096n);
/** Memory, and memory with swap, which is never less. */
const memory = fc.tuple(bytes, bytes).map(([a, b]): [bigint, bigint] => (a <= b ? [a, b] : [b, a]));

test('memory and memory+swap of v1 can be changed together from any earlier values', () => {
  const invalid = (files: Files) => (files.get('memory') ?? 0n) > (files.get('both') ?? UNLIMITED);
  fc.assert(
    fc.property(fc.option(memory), memory, (before, [limit, swap]) => {
      const files: Files = new Map([
        ['memory', before?.[0] ?? UNLIMITED],
        ['both', before?.[1] ?? UNLIMITED],
      ]);
      perform(files, v1Limits({ memory: { limit, swap } }), invalid);
      assert.deepEqual([files.get('memory'), files.get('both')], [limit, swap]);
      perform(files, v1Limits({ memory: { limit: -1 } }), invalid);
      assert.deepEqual([files.get('memory'), files.get('both')], [UNLIMITED, UNLIMITED]);
    }),
  );
});

test('swap of v2 is memory+swap without memory', () => {
  fc.assert(
    fc.property(memory, ([limit, both]) => {
      assert.equal(BigInt(swapMax(both, limit) ?? -1) + limit, both);
      if (both > limit) assert.throws(() => swapMax(limit, both), /memory\+swap limit should be >= memory limit/);
    }),
  );
});

/** sched_group_set_bandwidth of kernel/sched/core.c: a burst is at most the quota. */
const burstTooLarge = (files: Files) => (files.get('burst') ?? 0n) > (files.get('quota') ?? UNLIMITED);
const time = fc
  .tuple(
    fc.integer({ min: 1000, max: 1_000_000 }),
    fc.integer({ min: 1000, max: 1_000_000 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([quota, period, share]) => ({ quota, period, burst: Math.trunc(quota * share) }));

for (const [version, plan] of [
  ['v1', v1Limits],
  ['v2', v2Limits],
] as const)
  test(`quota, period and burst of ${version} can be changed together from any earlier values`, () => {
    fc.assert(
      fc.property(fc.option(time), time, (before, cpu) => {
        const files: Files = new Map([
          ['quota', BigInt(before?.quota ?? UNLIMITED)],
          ['period', BigInt(before?.period ?? 100_000)],
          ['burst', BigInt(before?.burst ?? 0)],
        ]);
        perform(files, plan({ cpu }), burstTooLarge);
        for (const name of ['quota', 'period', 'burst'] as const)
          assert.equal(files.get(name), BigInt(cpu[name]), name);
      }),
    );
  });

test('block IO weights keep their order, and stay in the bounds of v2', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 1000 }), fc.integer({ min: 10, max: 1000 }), (a, b) => {
      const [x, y] = [ioWeight(a), ioWeight(b)];
      assert.ok(x >= 1 && x <= 10_000 && Number.isInteger(x));
      assert.ok(a <= b ? x <= y : x >= y);
    }),
  );
});

test('systemd’s quota is the least whole percent that is not below the requested one, and the file has it too', () => {
  fc.assert(
    fc.property(time, ({ quota, period }) => {
      const { quota: written } = cpuQuota({ quota, period }, 252);
      const [asked, given] = [quota / period, Number(written) / period];
      assert.ok(given > asked - 1 / period - 1e-9 && given < asked + 0.01 + 1 / period, `${asked} became ${given}`);
    }),
  );
});
