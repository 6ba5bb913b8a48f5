/** What a container uses, from the files of cgroup v2, in the terms of v1. Pure. */

import type { Wide } from '../../../spec/types.ts';
import { isMax, keyValues, nonZero, pressure, sum, type Texts, times, wide } from './parse.ts';
import type { BlkioEntry, BlkioStats, ContainerStats, HugetlbEntry, MemoryEntry } from './types.ts';

export const V2_FILES: readonly string[] = [
  ...['pids.current', 'pids.max', 'cgroup.procs', 'cgroup.threads'],
  ...['memory.stat', 'memory.current', 'memory.max', 'memory.peak', 'memory.pressure'],
  ...['memory.swap.current', 'memory.swap.max', 'memory.swap.peak'],
  ...['io.stat', 'io.pressure', 'cpu.stat', 'cpu.pressure'],
];

/** @param pageSizes in the form of the files' names: `2MB` */
export function v2Stats(texts: Texts, pageSizes: readonly string[]): ContainerStats {
  const text = (file: string): string | undefined => texts('unified', file);
  return {
    cpu: cpuStats(text),
    // v2 has no such flags. runc's JSON has the fields all the same.
    cpuset: {
      cpu_exclusive: 0,
      mem_hardwall: 0,
      mem_exclusive: 0,
      memory_migrate: 0,
      memory_spread_page: 0,
      memory_spread_slab: 0,
      memory_pressure: 0,
      sched_load_balance: 0,
      sched_relax_domain_level: 0,
    },
    memory: memoryStats(text),
    pids: pidsStats(text),
    blkio: ioStats(text),
    hugetlb: Object.fromEntries(pageSizes.flatMap((size) => hugetlbEntry(text, size))),
    intel_rdt: {},
    network_interfaces: null,
  };
}

type Text = (file: string) => string | undefined;

const withPressure = (text: string | undefined) => {
  const psi = pressure(text);
  return psi ? { psi } : {};
};

function cpuStats(text: Text): ContainerStats['cpu'] {
  const stat = keyValues(text('cpu.stat') ?? '');
  const nanoseconds = (name: string): Wide => times(stat[name] ?? 0, 1000);
  const throttling = nonZero({
    periods: stat.nr_periods ?? 0,
    throttledPeriods: stat.nr_throttled ?? 0,
    throttledTime: nanoseconds('throttled_usec'),
  });
  const [kernel, user] = [nanoseconds('system_usec'), nanoseconds('user_usec')];
  const total = nonZero({ total: nanoseconds('usage_usec') });
  return {
    ...(text('cpu.stat') === undefined ? {} : { usage: { ...total, kernel, user } }),
    ...(Object.keys(throttling).length > 0 ? { throttling } : {}),
    ...withPressure(text('cpu.pressure')),
  };
}

interface MemoryData {
  readonly limit: Wide;
  readonly usage: Wide;
  readonly max: Wide;
}

function memoryData(text: Text, prefix: string): MemoryData {
  const value = (name: string): Wide => wide(text(`${prefix}.${name}`) ?? '0');
  return { limit: value('max'), usage: value('current'), max: value('peak') };
}

const entryOf = ({ limit, usage, max }: MemoryData): MemoryEntry => ({
  limit,
  ...nonZero({ usage, max }),
  failcnt: 0,
});

function memoryStats(text: Text): ContainerStats['memory'] {
  const stat = text('memory.stat');
  const psi = withPressure(text('memory.pressure'));
  if (stat === undefined) return psi;
  const raw = keyValues(stat);
  const memory = memoryData(text, 'memory');
  const swap = memoryData(text, 'memory.swap');
  // v1 counts memory and swap together. Their peaks may have been at different times, so there is no peak of both.
  const both: MemoryData = {
    limit: isMax(swap.limit) ? swap.limit : sum(swap.limit, memory.limit),
    usage: sum(swap.usage, memory.usage),
    max: 0,
  };
  return { ...nonZero({ cache: raw.file ?? 0 }), usage: entryOf(memory), swap: entryOf(both), raw, ...psi };
}

function pidsStats(text: Text): ContainerStats['pids'] {
  const current = text('pids.current');
  // Without the pids controller the processes are still listed.
  if (current === undefined)
    return nonZero({ current: (text('cgroup.procs') ?? text('cgroup.threads') ?? '').split('\n').length - 1 });
  const limit = (text('pids.max') ?? 'max').trim();
  return nonZero({ current: wide(current), limit: limit === 'max' ? 0 : wide(limit) });
}

const IO_KEYS = {
  rbytes: { list: 'ioServiceBytesRecursive', op: 'Read' },
  wbytes: { list: 'ioServiceBytesRecursive', op: 'Write' },
  rios: { list: 'ioServicedRecursive', op: 'Read' },
  wios: { list: 'ioServicedRecursive', op: 'Write' },
} as const;

/** io.stat: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. */
function ioStats(text: Text): BlkioStats {
  const lists: Record<'ioServiceBytesRecursive' | 'ioServicedRecursive', BlkioEntry[]> = {
    ioServiceBytesRecursive: [],
    ioServicedRecursive: [],
  };
  for (const line of (text('io.stat') ?? '').split('\n')) {
    const [device = '', ...pairs] = line.split(' ');
    const [major, minor] = device.split(':');
    if (major === undefined || minor === undefined) continue;
    for (const pair of pairs) {
      const [key = '', value = ''] = pair.split('=');
      if (!isIoKey(key)) continue;
      const { list, op } = IO_KEYS[key];
      lists[list].push({
        ...nonZero({ major: wide(major), minor: wide(minor) }),
        op,
        ...nonZero({ value: wide(value) }),
      });
    }
  }
  const filled = Object.entries(lists).filter(([, entries]) => entries.length > 0);
  return { ...Object.fromEntries(filled), ...withPressure(text('io.pressure')) };
}

const isIoKey = (key: string): key is keyof typeof IO_KEYS => Object.hasOwn(IO_KEYS, key);

function hugetlbEntry(text: Text, size: string): readonly (readonly [string, HugetlbEntry])[] {
  const usage = text(`hugetlb.${size}.rsvd.current`) ?? text(`hugetlb.${size}.current`);
  if (usage === undefined) return [];
  const failcnt = keyValues(text(`hugetlb.${size}.events`) ?? '').max ?? 0;
  return [[size, { ...nonZero({ usage: wide(usage) }), failcnt }]];
}

/** The hugetlb files of a page size. */
export const v2HugetlbFiles = (size: string): readonly string[] => [
  `hugetlb.${size}.rsvd.current`,
  `hugetlb.${size}.current`,
  `hugetlb.${size}.events`,
];
