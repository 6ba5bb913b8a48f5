/** What a container uses, from the files of cgroup v1. Pure. */

import type { Wide } from '../../../spec/types.ts';
import { blkioEntries, keyValues, nonZero, numberList, type Texts, wide } from './parse.ts';
import type {
  BlkioEntry,
  BlkioStats,
  ContainerStats,
  CpusetStats,
  CpuUsage,
  HugetlbEntry,
  MemoryEntry,
} from './types.ts';

/** The files to read, by controller. */
export const V1_FILES: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu.stat'],
  cpuacct: ['cpuacct.stat', 'cpuacct.usage', 'cpuacct.usage_percpu', 'cpuacct.usage_all'],
  cpuset: [
    ...['cpus', 'cpu_exclusive', 'mems', 'mem_hardwall', 'mem_exclusive', 'memory_migrate', 'memory_spread_page'],
    ...['memory_spread_slab', 'memory_pressure', 'sched_load_balance', 'sched_relax_domain_level'],
  ].map((name) => `cpuset.${name}`),
  memory: [
    'memory.stat',
    ...['memory', 'memory.memsw', 'memory.kmem', 'memory.kmem.tcp'].flatMap((prefix) =>
      ['usage_in_bytes', 'max_usage_in_bytes', 'failcnt', 'limit_in_bytes'].map((name) => `${prefix}.${name}`),
    ),
  ],
  pids: ['pids.current', 'pids.max'],
  blkio: [
    ...['blkio.bfq.', 'blkio.'].flatMap((prefix) =>
      [
        'sectors',
        'io_service_time',
        'io_wait_time',
        'io_merged',
        'io_queued',
        'time',
        'io_serviced',
        'io_service_bytes',
      ].map((name) => `${prefix}${name}_recursive`),
    ),
    ...['io_serviced_recursive', 'io_service_bytes_recursive', 'io_serviced', 'io_service_bytes'].map(
      (name) => `blkio.throttle.${name}`,
    ),
  ],
};

/** @param pageSizes in the form of the files' names: `2MB` */
export const v1Stats = (texts: Texts, pageSizes: readonly string[]): ContainerStats => ({
  cpu: cpuStats(texts),
  cpuset: cpusetStats(texts),
  memory: memoryStats(texts),
  pids: pidsStats(texts),
  blkio: blkioStats(texts),
  hugetlb: Object.fromEntries(pageSizes.flatMap((size) => hugetlbEntry(texts, size))),
  intel_rdt: {},
  network_interfaces: null,
});

function cpuStats(texts: Texts): ContainerStats['cpu'] {
  const stat = keyValues(texts('cpu', 'cpu.stat') ?? '');
  const throttling = nonZero({
    periods: stat.nr_periods ?? 0,
    throttledPeriods: stat.nr_throttled ?? 0,
    throttledTime: stat.throttled_time ?? 0,
  });
  const usage = cpuUsage(texts);
  return { ...(usage ? { usage } : {}), ...(Object.keys(throttling).length > 0 ? { throttling } : {}) };
}

/** A tick is a hundredth of a second on every Linux. */
const TICK_NS = 10_000_000n;

function cpuUsage(texts: Texts): CpuUsage | undefined {
  const total = texts('cpuacct', 'cpuacct.usage');
  if (total === undefined) return undefined;
  const ticks = keyValues(texts('cpuacct', 'cpuacct.stat') ?? '');
  const nanoseconds = (value: Wide | undefined): Wide => wide(String(BigInt(value ?? 0) * TICK_NS));
  const list = (name: string, values: readonly Wide[]) => (values.length > 0 ? { [name]: values } : {});
  const percpu = (texts('cpuacct', 'cpuacct.usage_percpu') ?? '').split(/\s+/).filter(Boolean).map(wide);
  // A line with titles, then lines `cpu user system`.
  const rows = (texts('cpuacct', 'cpuacct.usage_all') ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.split(' '));
  const modes = rows.filter((row) => row.length >= 3);
  return {
    ...nonZero({ total: wide(total) }),
    ...list('percpu', percpu),
    ...list(
      'percpu_kernel',
      modes.map((row) => wide(row[2] ?? '0')),
    ),
    ...list(
      'percpu_user',
      modes.map((row) => wide(row[1] ?? '0')),
    ),
    kernel: nanoseconds(ticks.system),
    user: nanoseconds(ticks.user),
  };
}

function cpusetStats(texts: Texts): CpusetStats {
  const text = (name: string): string => texts('cpuset', `cpuset.${name}`) ?? '';
  const flag = (name: string): Wide => wide(text(name));
  const list = (name: 'cpus' | 'mems') => {
    const numbers = numberList(text(name));
    return numbers.length > 0 ? { [name]: numbers } : {};
  };
  return {
    ...list('cpus'),
    cpu_exclusive: flag('cpu_exclusive'),
    ...list('mems'),
    mem_hardwall: flag('mem_hardwall'),
    mem_exclusive: flag('mem_exclusive'),
    memory_migrate: flag('memory_migrate'),
    memory_spread_page: flag('memory_spread_page'),
    memory_spread_slab: flag('memory_spread_slab'),
    memory_pressure: flag('memory_pressure'),
    sched_load_balance: flag('sched_load_balance'),
    // This one may be negative: -1 is the system's default.
    sched_relax_domain_level: Number(text('sched_relax_domain_level').trim()),
  };
}

function memoryStats(texts: Texts): ContainerStats['memory'] {
  const stat = texts('memory', 'memory.stat');
  if (stat === undefined) return {};
  const raw = keyValues(stat);
  const entries = {
    usage: memoryEntry(texts, 'memory'),
    swap: memoryEntry(texts, 'memory.memsw'),
    kernel: memoryEntry(texts, 'memory.kmem'),
    kernelTCP: memoryEntry(texts, 'memory.kmem.tcp'),
  };
  const present = Object.entries(entries).filter(([, entry]) => entry !== undefined);
  return { ...nonZero({ cache: raw.cache ?? 0 }), ...Object.fromEntries(present), raw };
}

function memoryEntry(texts: Texts, prefix: string): MemoryEntry | undefined {
  const usage = texts('memory', `${prefix}.usage_in_bytes`);
  // The kernel counts swap and kernel memory only if it was built for it, or started with it.
  if (usage === undefined) return undefined;
  const value = (name: string): Wide => wide(texts('memory', `${prefix}.${name}`) ?? '0');
  return {
    limit: value('limit_in_bytes'),
    ...nonZero({ usage: wide(usage), max: value('max_usage_in_bytes') }),
    failcnt: value('failcnt'),
  };
}

function pidsStats(texts: Texts): ContainerStats['pids'] {
  const limit = (texts('pids', 'pids.max') ?? 'max').trim();
  return nonZero({ current: wide(texts('pids', 'pids.current') ?? '0'), limit: limit === 'max' ? 0 : wide(limit) });
}

type BlkioField = Exclude<keyof BlkioStats, 'psi'>;

const SCHEDULER_FIELDS: readonly (readonly [file: string, field: BlkioField])[] = [
  ['sectors', 'sectorsRecursive'],
  ['io_service_time', 'ioServiceTimeRecursive'],
  ['io_wait_time', 'ioWaitTimeRecursive'],
  ['io_merged', 'ioMergedRecursive'],
  ['io_queued', 'ioQueueRecursive'],
  ['time', 'ioTimeRecursive'],
  ['io_serviced', 'ioServicedRecursive'],
  ['io_service_bytes', 'ioServiceBytesRecursive'],
];
const COUNTS = SCHEDULER_FIELDS.slice(-2);

const group = (prefix: string, suffix: string, fields: typeof SCHEDULER_FIELDS = COUNTS) =>
  fields.map(([file, field]) => ({ file: `${prefix}${file}${suffix}`, field }));

/** From the most to the fewest counters: BFQ with debugging, BFQ, CFQ, and those of the throttling layer. */
const BLKIO_GROUPS = [
  group('blkio.bfq.', '_recursive', SCHEDULER_FIELDS),
  group('blkio.bfq.', '_recursive'),
  group('blkio.', '_recursive', SCHEDULER_FIELDS),
  group('blkio.throttle.', '_recursive'),
  group('blkio.throttle.', ''),
];

/** The first group whose first file counts anything: runc chooses the same. */
function blkioStats(texts: Texts): BlkioStats {
  for (const files of BLKIO_GROUPS) {
    const lists = files.map(({ file, field }): readonly [BlkioField, readonly BlkioEntry[]] => [
      field,
      blkioEntries(texts('blkio', file) ?? ''),
    ]);
    if ((lists[0]?.[1] ?? []).length > 0) return Object.fromEntries(lists.filter(([, entries]) => entries.length > 0));
  }
  return {};
}

function hugetlbEntry(texts: Texts, size: string): readonly (readonly [string, HugetlbEntry])[] {
  // Reserved pages count as used. Linux before 5.7 has no reservations.
  for (const prefix of [`hugetlb.${size}.rsvd`, `hugetlb.${size}`]) {
    const usage = texts('hugetlb', `${prefix}.usage_in_bytes`);
    if (usage === undefined) continue;
    const max = wide(texts('hugetlb', `${prefix}.max_usage_in_bytes`) ?? '0');
    return [
      [size, { ...nonZero({ usage: wide(usage), max }), failcnt: wide(texts('hugetlb', `${prefix}.failcnt`) ?? '0') }],
    ];
  }
  return [];
}

/** The hugetlb files of a page size. */
export const v1HugetlbFiles = (size: string): readonly string[] =>
  [`hugetlb.${size}.rsvd`, `hugetlb.${size}`].flatMap((prefix) =>
    ['usage_in_bytes', 'max_usage_in_bytes', 'failcnt'].map((name) => `${prefix}.${name}`),
  );
