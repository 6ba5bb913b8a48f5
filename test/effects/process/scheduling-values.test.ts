import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartedBatch } from '../../../effects/batch.ts';
import { addMemoryPolicy } from '../../../effects/process/memory-policy.ts';
import { addPriorities } from '../../../effects/process/priorities.ts';
import { viewOf } from '../../../native/kernel/struct.ts';
import type { MemoryPolicy, Scheduler } from '../../../spec/types.ts';

// The numbers are those of uapi/linux/sched.h and uapi/linux/mempolicy.h.

function attributes(scheduler: Scheduler): DataView {
  const batch = new PartedBatch();
  addPriorities(batch, { cwd: '/', scheduler }, undefined);
  const bytes = batch.calls[0]?.args[1];
  assert.ok(bytes instanceof Uint8Array);
  return viewOf(bytes);
}

test('policies and flags have the numbers of the kernel', () => {
  const policies = {
    SCHED_OTHER: 0,
    SCHED_FIFO: 1,
    SCHED_RR: 2,
    SCHED_BATCH: 3,
    SCHED_ISO: 4,
    SCHED_IDLE: 5,
    SCHED_DEADLINE: 6,
  } as const;
  for (const [policy, number] of Object.entries(policies))
    assert.equal(attributes({ policy: policy as keyof typeof policies }).getUint32(4, true), number, policy);
  const flags = {
    SCHED_FLAG_RESET_ON_FORK: 1n,
    SCHED_FLAG_RECLAIM: 2n,
    SCHED_FLAG_DL_OVERRUN: 4n,
    SCHED_FLAG_KEEP_POLICY: 8n,
    SCHED_FLAG_KEEP_PARAMS: 16n,
    SCHED_FLAG_UTIL_CLAMP_MIN: 32n,
    SCHED_FLAG_UTIL_CLAMP_MAX: 64n,
  } as const;
  const names = Object.keys(flags) as (keyof typeof flags)[];
  const bits = (...some: typeof names) => attributes({ policy: 'SCHED_OTHER', flags: some }).getBigUint64(8, true);
  for (const name of names) assert.equal(bits(name), flags[name], name);
  assert.equal(bits(...names), 127n);
});

test('memory policies and their flags have the numbers of the kernel', () => {
  const args = (policy: MemoryPolicy) => {
    const batch = new PartedBatch();
    addMemoryPolicy(batch, policy);
    return batch.calls[0]?.args.map((arg) => (arg instanceof Uint8Array ? [...arg] : arg));
  };
  const modes = {
    MPOL_DEFAULT: 0,
    MPOL_PREFERRED: 1,
    MPOL_BIND: 2,
    MPOL_INTERLEAVE: 3,
    MPOL_LOCAL: 4,
    MPOL_PREFERRED_MANY: 5,
    MPOL_WEIGHTED_INTERLEAVE: 6,
  } as const;
  for (const [mode, number] of Object.entries(modes))
    assert.equal(args({ mode: mode as keyof typeof modes })?.[0], number, mode);
  const flags = { MPOL_F_NUMA_BALANCING: 0x2000, MPOL_F_RELATIVE_NODES: 0x4000, MPOL_F_STATIC_NODES: 0x8000 } as const;
  for (const [flag, bit] of Object.entries(flags))
    assert.equal(args({ mode: 'MPOL_BIND', nodes: '0', flags: [flag as keyof typeof flags] })?.[0], 2 | bit, flag);
  const [, mask] = args({ mode: 'MPOL_BIND', nodes: '1,3-4' }) ?? [];
  assert.ok(Array.isArray(mask));
  assert.deepEqual(mask.slice(0, 1), [0b11010]);
});
