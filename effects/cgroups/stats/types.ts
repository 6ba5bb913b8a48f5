/**
 * What a container uses, in the shape of `runc events --stats` (runc: types/events.go), which containerd and Docker
 * read. A 64-bit value is a bigint where a number cannot hold it. Zeros are left out where runc leaves them out.
 */

import type { Wide } from '../../../spec/types.ts';
import type { ResctrlStats } from '../../resctrl/stats.ts';

export interface ContainerStats {
  readonly cpu: {
    readonly usage?: CpuUsage;
    readonly throttling?: {
      readonly periods?: Wide;
      readonly throttledPeriods?: Wide;
      /** Nanoseconds. */
      readonly throttledTime?: Wide;
    };
    readonly psi?: Pressure;
  };
  readonly cpuset: CpusetStats;
  readonly memory: {
    readonly cache?: Wide;
    readonly usage?: MemoryEntry;
    readonly swap?: MemoryEntry;
    readonly kernel?: MemoryEntry;
    readonly kernelTCP?: MemoryEntry;
    readonly raw?: Readonly<Record<string, Wide>>;
    readonly psi?: Pressure;
  };
  readonly pids: { readonly current?: Wide; readonly limit?: Wide };
  readonly blkio: BlkioStats;
  readonly hugetlb: Readonly<Record<string, HugetlbEntry>>;
  readonly intel_rdt: ResctrlStats;
  readonly network_interfaces: null;
}

/** Nanoseconds. */
export interface CpuUsage {
  readonly total?: Wide;
  readonly percpu?: readonly Wide[];
  readonly percpu_kernel?: readonly Wide[];
  readonly percpu_user?: readonly Wide[];
  readonly kernel: Wide;
  readonly user: Wide;
}

/** The flags of a v1 cpuset. All are zero on v2. */
export interface CpusetStats {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: Wide;
  readonly mems?: readonly number[];
  readonly mem_hardwall: Wide;
  readonly mem_exclusive: Wide;
  readonly memory_migrate: Wide;
  readonly memory_spread_page: Wide;
  readonly memory_spread_slab: Wide;
  readonly memory_pressure: Wide;
  readonly sched_load_balance: Wide;
  readonly sched_relax_domain_level: Wide;
}

/** Bytes. */
export interface MemoryEntry {
  readonly limit: Wide;
  readonly usage?: Wide;
  readonly max?: Wide;
  readonly failcnt: Wide;
}

export interface BlkioEntry {
  readonly major?: Wide;
  readonly minor?: Wide;
  readonly op?: string;
  readonly value?: Wide;
}

export interface BlkioStats {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[];
  readonly ioServicedRecursive?: readonly BlkioEntry[];
  readonly ioQueueRecursive?: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[];
  readonly ioMergedRecursive?: readonly BlkioEntry[];
  readonly ioTimeRecursive?: readonly BlkioEntry[];
  readonly sectorsRecursive?: readonly BlkioEntry[];
  readonly psi?: Pressure;
}

export interface HugetlbEntry {
  readonly usage?: Wide;
  readonly max?: Wide;
  readonly failcnt: Wide;
}

/** Pressure stall information. The averages are shares of time in percent, and the total is in microseconds. */
export interface PressureEntry {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: Wide;
}
export interface Pressure {
  readonly some?: PressureEntry;
  readonly full?: PressureEntry;
}
