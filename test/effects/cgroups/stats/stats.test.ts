import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blkioEntries, numberList, pressure, wide } from '../../../../effects/cgroups/stats/parse.ts';
import { pageSizeOf } from '../../../../effects/cgroups/stats/read.ts';
import { v1Stats } from '../../../../effects/cgroups/stats/v1.ts';
import { v2Stats } from '../../../../effects/cgroups/stats/v2.ts';

const NO_CPUSET = {
  cpu_exclusive: 0,
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
};

test('numbers of cgroup files', () => {
  assert.equal(wide('42\n'), 42);
  assert.equal(wide('max'), 18_446_744_073_709_551_615n);
  assert.equal(wide('9223372036854771712\n'), 9_223_372_036_854_771_712n);
  assert.equal(wide('-5'), 0);
  assert.deepEqual(numberList('0-2,5\n'), [0, 1, 2, 5]);
  assert.deepEqual(numberList('\n'), []);
  assert.deepEqual(['hugepages-2048kB', 'hugepages-1048576kB', 'hugepages-64kB', 'x'].map(pageSizeOf), [
    ['2MB'],
    ['1GB'],
    ['64KB'],
    [],
  ]);
});

test('pressure files', () => {
  assert.equal(pressure(undefined), undefined);
  assert.deepEqual(pressure('some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n'), {});
  assert.deepEqual(
    pressure('some avg10=1.50 avg60=0.01 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n'),
    {
      some: { avg10: 1.5, avg60: 0.01, avg300: 0, total: 7 },
      full: { avg10: 0, avg60: 0, avg300: 0, total: 9 },
    },
  );
});

test('blkio files of v1', () => {
  assert.deepEqual(blkioEntries('8:0 Read 12\n8:0 Total 0\n254:16 7\nTotal 12\n'), [
    { major: 8, op: 'Read', value: 12 },
    { major: 8, op: 'Total' },
    { major: 254, minor: 16, value: 7 },
  ]);
});

test('statistics of v1', () => {
  const files: Record<string, string> = {
    'cpu/cpu.stat': 'nr_periods 5\nnr_throttled 0\nthrottled_time 77\n',
    'cpuacct/cpuacct.usage': '123456\n',
    'cpuacct/cpuacct.stat': 'user 3\nsystem 4\n',
    'cpuacct/cpuacct.usage_percpu': '100 23456 \n',
    'cpuacct/cpuacct.usage_all': 'cpu user system\n0 1 2\n1 3 4\n',
    'cpuset/cpuset.cpus': '0-1\n',
    'cpuset/cpuset.mems': '0\n',
    'cpuset/cpuset.sched_load_balance': '1\n',
    'cpuset/cpuset.sched_relax_domain_level': '-1\n',
    'memory/memory.stat': 'cache 4096\nrss 0\n',
    'memory/memory.usage_in_bytes': '8192\n',
    'memory/memory.max_usage_in_bytes': '9000\n',
    'memory/memory.failcnt': '0\n',
    'memory/memory.limit_in_bytes': '9223372036854771712\n',
    'pids/pids.current': '2\n',
    'pids/pids.max': 'max\n',
    'blkio/blkio.throttle.io_serviced_recursive': '8:0 Read 1\nTotal 1\n',
    'blkio/blkio.throttle.io_service_bytes_recursive': '8:0 Read 512\nTotal 512\n',
    'hugetlb/hugetlb.2MB.usage_in_bytes': '0\n',
    'hugetlb/hugetlb.2MB.max_usage_in_bytes': '7\n',
    'hugetlb/hugetlb.2MB.failcnt': '1\n',
  };
  const limit = 9_223_372_036_854_771_712n;
  assert.deepEqual(
    v1Stats((controller, file) => files[`${controller}/${file}`], ['2MB', '1GB']),
    {
      cpu: {
        usage: {
          total: 123456,
          percpu: [100, 23456],
          percpu_kernel: [2, 4],
          percpu_user: [1, 3],
          kernel: 40_000_000,
          user: 30_000_000,
        },
        throttling: { periods: 5, throttledTime: 77 },
      },
      cpuset: { ...NO_CPUSET, cpus: [0, 1], mems: [0], sched_load_balance: 1, sched_relax_domain_level: -1 },
      memory: {
        cache: 4096,
        usage: { limit, usage: 8192, max: 9000, failcnt: 0 },
        raw: { cache: 4096, rss: 0 },
      },
      pids: { current: 2 },
      blkio: {
        ioServicedRecursive: [{ major: 8, op: 'Read', value: 1 }],
        ioServiceBytesRecursive: [{ major: 8, op: 'Read', value: 512 }],
      },
      hugetlb: { '2MB': { max: 7, failcnt: 1 } },
      intel_rdt: {},
      network_interfaces: null,
    },
  );
});

test('statistics of v2, in the terms of v1', () => {
  const files: Record<string, string> = {
    'cpu.stat': 'usage_usec 10\nuser_usec 6\nsystem_usec 4\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
    'memory.stat': 'anon 5\nfile 4096\n',
    'memory.current': '8192\n',
    'memory.max': '65536\n',
    'memory.peak': '9000\n',
    'memory.swap.current': '10\n',
    'memory.swap.max': '100\n',
    'memory.swap.peak': '20\n',
    'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=0 dbytes=5 dios=6\n',
    'cgroup.procs': '1\n2\n',
    'hugetlb.2MB.rsvd.current': '0\n',
    'hugetlb.2MB.events': 'max 3\n',
    'cpu.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n',
  };
  assert.deepEqual(
    v2Stats((_, file) => files[file], ['2MB']),
    {
      cpu: {
        usage: { total: 10_000, kernel: 4000, user: 6000 },
        psi: { some: { avg10: 0, avg60: 0, avg300: 0, total: 1 } },
      },
      cpuset: NO_CPUSET,
      memory: {
        cache: 4096,
        usage: { limit: 65_536, usage: 8192, max: 9000, failcnt: 0 },
        swap: { limit: 65_636, usage: 8202, failcnt: 0 },
        raw: { anon: 5, file: 4096 },
      },
      pids: { current: 2 },
      blkio: {
        ioServiceBytesRecursive: [
          { major: 8, op: 'Read', value: 1 },
          { major: 8, op: 'Write', value: 2 },
        ],
        ioServicedRecursive: [
          { major: 8, op: 'Read', value: 3 },
          { major: 8, op: 'Write' },
        ],
      },
      hugetlb: { '2MB': { failcnt: 3 } },
      intel_rdt: {},
      network_interfaces: null,
    },
  );
  const unlimited = v2Stats((_, file) => ({ ...files, 'memory.swap.max': 'max\n' })[file], []);
  assert.equal(unlimited.memory.swap?.limit, 18_446_744_073_709_551_615n);
});
