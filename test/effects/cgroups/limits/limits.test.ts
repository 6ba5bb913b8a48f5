import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuWeight, ioWeight, pidsMax, swapMax } from '../../../../effects/cgroups/limits/conversions.ts';
import { ignoredResources } from '../../../../effects/cgroups/limits/ignored.ts';
import type { Limit } from '../../../../effects/cgroups/limits/limit.ts';
import { undoOf } from '../../../../effects/cgroups/limits/restore.ts';
import { v1Limits } from '../../../../effects/cgroups/limits/v1.ts';
import { v2Limits } from '../../../../effects/cgroups/limits/v2.ts';
import type { CgroupRecord } from '../../../../spec/record.ts';
import type { LinuxResources } from '../../../../spec/types.ts';

const lines = (limits: readonly Limit[]) => limits.map(({ file, value }) => `${file}=${value}`);
const v1 = (resources: LinuxResources) => lines(v1Limits(resources));
const v2 = (resources: LinuxResources) => lines(v2Limits(resources));

test('shares become weights, and minimum, default and maximum stay what they are', () => {
  assert.deepEqual([0, 1, 2, 1024, 262_144, 999_999n].map(cpuWeight), [0, 1, 1, 100, 10_000, 10_000]);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 262_144 }), fc.integer({ min: 2, max: 262_144 }), (a, b) => {
      const [x, y] = [cpuWeight(a), cpuWeight(b)];
      assert.ok(x >= 1 && x <= 10_000 && Number.isInteger(x));
      assert.ok(a <= b ? x <= y : x >= y);
    }),
  );
});

test('block IO weights become IO weights by a linear formula', () => {
  assert.deepEqual([0, 10, 100, 500, 1000].map(ioWeight), [0, 1, 910, 4950, 10_000]);
});

test('the specification’s swap, which is memory and swap together, becomes swap alone', () => {
  assert.equal(swapMax(undefined, undefined), undefined);
  assert.equal(swapMax(undefined, -1), 'max');
  assert.equal(swapMax(-1, 4096), 'max');
  assert.equal(swapMax(8192, -1), '8192');
  assert.equal(swapMax(8192, 4096), '4096');
  assert.equal(swapMax(4096, 4096), '0');
  assert.equal(swapMax(9_223_372_036_854_775_807n, 1), '9223372036854775806');
  assert.throws(() => swapMax(4096, undefined), /unable to set swap limit without memory limit/);
  assert.throws(() => swapMax(1, 4096), /memory\+swap limit should be >= memory limit/);
  assert.throws(() => swapMax(4096, -2), /invalid memory value: -2/);
});

test('limits of pids', () => {
  assert.deepEqual([-1, 0, 5].map(pidsMax), ['max', '1', '5']);
  assert.deepEqual(v1({ pids: { limit: 7 } }), ['pids.max=7']);
  assert.deepEqual(v2({ pids: { limit: 0 } }), ['pids.max=1']);
  assert.deepEqual(v2({ pids: {} }), []);
});

test('limits of memory', () => {
  const memory = { limit: 1 << 20, swap: 2 << 20, reservation: 4096, swappiness: 10, disableOOMKiller: true };
  assert.deepEqual(v1({ memory }), [
    'memory.limit_in_bytes=1048576',
    'memory.memsw.limit_in_bytes=2097152',
    'memory.limit_in_bytes=1048576',
    'memory.soft_limit_in_bytes=4096',
    'memory.oom_control=1',
    'memory.swappiness=10',
  ]);
  assert.deepEqual(v2({ memory }), ['memory.swap.max=1048576', 'memory.max=1048576', 'memory.low=4096']);
  assert.deepEqual(v1({ memory: { limit: -1 } }), ['memory.memsw.limit_in_bytes=-1', 'memory.limit_in_bytes=-1']);
  assert.deepEqual(v2({ memory: { limit: -1, reservation: -1 } }), [
    'memory.swap.max=max',
    'memory.max=max',
    'memory.low=max',
  ]);
  assert.deepEqual(v1({ memory: { limit: 0, swap: 0, reservation: 0, swappiness: 0 } }), ['memory.swappiness=0']);
  assert.deepEqual(v1({ memory: { swappiness: 18_446_744_073_709_551_615n, kernel: 5, useHierarchy: true } }), []);
  assert.throws(
    () => v1({ memory: { swappiness: 101 } }),
    /invalid memory swappiness value: 101 \(valid range is 0-100\)/,
  );
});

test('limits of CPU time and cpusets', () => {
  const cpu = { shares: 512, quota: 50_000, period: 100_000, burst: 0, idle: 0, cpus: '0-1', mems: '0' };
  assert.deepEqual(v1({ cpu }), [
    'cpuset.cpus=0-1',
    'cpuset.mems=0',
    'cpu.shares=512',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_burst_us=0',
    'cpu.cfs_quota_us=50000',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_burst_us=0',
    'cpu.idle=0',
  ]);
  assert.deepEqual(v2({ cpu }), [
    'cpu.idle=0',
    'cpu.weight=59',
    'cpu.max.burst=0',
    'cpu.max=50000 100000',
    'cpu.max.burst=0',
    'cpuset.cpus=0-1',
    'cpuset.mems=0',
  ]);
  assert.deepEqual(v2({ cpu: { quota: -1 } }), ['cpu.max=max 100000']);
  assert.deepEqual(v2({ cpu: { period: 5000 } }), ['cpu.max=max 5000']);
  assert.deepEqual(v1({ cpu: { realtimePeriod: 10, realtimeRuntime: 5 } }), [
    'cpu.rt_period_us=10',
    'cpu.rt_runtime_us=5',
    'cpu.rt_period_us=10',
  ]);
  assert.throws(() => v1({ cpu: { shares: 1 } }), /the minimum allowed cpu-shares is 2/);
  assert.throws(() => v1({ cpu: { shares: 262_145 } }), /the maximum allowed cpu-shares is 262144/);
});

test('limits of block IO', () => {
  const blockIO = {
    weight: 100,
    leafWeight: 20,
    weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 30 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 16, rate: 18_446_744_073_709_551_615n }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 10 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0 }],
  };
  assert.deepEqual(v1({ blockIO }), [
    'blkio.weight=100',
    'blkio.leaf_weight=20',
    'blkio.weight_device=8:0 500',
    'blkio.leaf_weight_device=8:0 30',
    'blkio.throttle.read_bps_device=8:0 1024',
    'blkio.throttle.write_bps_device=8:16 18446744073709551615',
    'blkio.throttle.read_iops_device=8:0 10',
    'blkio.throttle.write_iops_device=8:0 0',
  ]);
  assert.deepEqual(v2({ blockIO }), [
    'io.bfq.weight=100',
    'io.bfq.weight=8:0 500',
    'io.max=8:0 rbps=1024',
    'io.max=8:16 wbps=18446744073709551615',
    'io.max=8:0 riops=10',
    'io.max=8:0 wiops=0',
  ]);
  assert.deepEqual(
    v2Limits({ blockIO }).flatMap(({ otherwise }) => otherwise ?? []),
    [
      { file: 'io.weight', value: '910' },
      { file: 'io.weight', value: '8:0 4950' },
    ],
  );
});

test('limits of huge pages, RDMA and the network', () => {
  const resources: LinuxResources = {
    hugepageLimits: [{ pageSize: '2MB', limit: 9_007_199_254_740_993n }],
    rdma: { mlx4_0: { hcaHandles: 2, hcaObjects: 3 }, mlx4_1: {} },
    network: { classID: 1_048_577, priorities: [{ name: 'eth0', priority: 5 }] },
  };
  assert.deepEqual(v1(resources), [
    'hugetlb.2MB.limit_in_bytes=9007199254740993',
    'hugetlb.2MB.rsvd.limit_in_bytes=9007199254740993',
    'net_cls.classid=1048577',
    'net_prio.ifpriomap=eth0 5',
    'rdma.max=mlx4_0 hca_handle=2 hca_object=3',
    'rdma.max=mlx4_1',
  ]);
  assert.deepEqual(v2(resources), [
    'hugetlb.2MB.max=9007199254740993',
    'hugetlb.2MB.rsvd.max=9007199254740993',
    'rdma.max=mlx4_0 hca_handle=2 hca_object=3',
    'rdma.max=mlx4_1',
  ]);
});

test('files of the unified hierarchy by their names', () => {
  assert.deepEqual(v2({ unified: { 'io.max': '8:0 rbps=1\n8:16 wbps=2\n', 'cgroup.max.depth': '3' } }), [
    'io.max=8:0 rbps=1',
    'io.max=8:16 wbps=2',
    'cgroup.max.depth=3',
  ]);
  assert.throws(
    () => v2({ unified: { '../x': '1' } }),
    /unified resource "\.\.\/x" must be a file name \(no slashes\)/,
  );
  assert.throws(() => v2({ unified: { memory: '1' } }), /must be in the form CONTROLLER\.PARAMETER/);
  assert.throws(() => v1({ unified: { 'memory.max': '1' } }), /cannot use unified on cgroup v1/);
});

test('resources that have no effect are named', () => {
  const record: CgroupRecord = { layout: 'v2', driver: 'fs', paths: {} };
  const resources: LinuxResources = {
    memory: { swappiness: 5, disableOOMKiller: true },
    network: { classID: 1 },
  };
  assert.deepEqual(ignoredResources(record, resources), [
    'linux.resources.memory.swappiness is ignored: cgroup v2 has no such limit',
    'linux.resources.memory.disableOOMKiller is ignored: cgroup v2 has no such limit',
    'linux.resources.network.classID is ignored: cgroup v2 has no such limit',
  ]);
  assert.deepEqual(ignoredResources({ ...record, layout: 'v1' }, resources), []);
});

test('each write has one that undoes it', () => {
  const undo = (name: string, value: string, before: string) => undoOf({ file: `/x/${name}`, value }, before)?.value;
  assert.equal(undo('memory.max', '5', 'max\n'), 'max');
  assert.equal(undo('cpu.max', '5 6', 'max 100000\n'), 'max 100000');
  assert.equal(undo('cpuset.cpus', '0', '\n'), '\n');
  assert.equal(undo('memory.oom_control', '1', 'oom_kill_disable 0\nunder_oom 0\n'), '0');
  assert.equal(undo('io.max', '8:0 rbps=1', ''), '8:0 rbps=max wbps=max riops=max wiops=max');
  assert.equal(undo('io.max', '8:0 rbps=1', '8:16 rbps=2 x\n8:0 rbps=7 wbps=max\n'), '8:0 rbps=7 wbps=max');
  assert.equal(undo('blkio.throttle.read_bps_device', '8:0 5', ''), '8:0 0');
  assert.equal(undo('io.weight', '8:0 5', 'default 100\n'), '8:0 default');
  assert.equal(undo('io.bfq.weight', '50', 'default 100\n8:0 7\n'), '100');
});
