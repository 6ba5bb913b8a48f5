/** The resources of config.json as properties of a systemd unit, systemd.resource-control(5). Pure. */

import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { LinuxResources, Wide } from '../../../spec/types.ts';
import { cpuWeight, ioWeight, swapMax } from '../limits/conversions.ts';
import { isSet } from '../limits/limit.ts';
import { bitsOf } from './cpu-list.ts';
import { cpuQuota } from './cpu-quota.ts';
import { unifiedProperties } from './unified.ts';
import { byteArray, INFINITY, property, u64 } from './values.ts';
import { CPU_IDLE_VERSION, CPUSET_VERSION, isAtLeast, type Version } from './version.ts';

/**
 * The limits for which systemd has properties, without the device rules. All limits are written to the cgroup besides.
 * @throws CgroupError
 */
export function resourceProperties(
  layout: 'v1' | 'hybrid' | 'v2',
  resources: LinuxResources,
  version: Version,
): readonly BusValue[] {
  return [
    ...(layout === 'v2' ? v2Properties(resources, version) : v1Properties(resources)),
    ...cpuQuota(resources.cpu ?? {}, version).properties,
    ...tasksMax(resources.pids?.limit),
    ...cpusets(resources, version),
    ...(layout === 'v2' ? unifiedProperties(resources.unified ?? {}, version) : []),
  ];
}

function v2Properties({ memory = {}, cpu = {}, blockIO = {} }: LinuxResources, version: Version): readonly BusValue[] {
  const swap = swapMax(memory.swap, memory.limit);
  const idle = cpu.idle !== undefined && BigInt(cpu.idle) === 1n && isAtLeast(version, CPU_IDLE_VERSION);
  return [
    ...(isSet(memory.limit) ? [property('MemoryMax', u64(memory.limit))] : []),
    ...(isSet(memory.reservation) ? [property('MemoryLow', u64(memory.reservation))] : []),
    ...(swap === undefined ? [] : [property('MemorySwapMax', u64(swap === 'max' ? INFINITY : BigInt(swap)))]),
    // A weight of zero means idle, so an idle unit has no other weight.
    ...(idle
      ? [property('CPUWeight', u64(0))]
      : isSet(cpu.shares)
        ? [property('CPUWeight', u64(cpuWeight(cpu.shares)))]
        : []),
    // runc only writes the file, and the next daemon-reload makes systemd set it back to the default.
    ...(isSet(blockIO.weight) ? [property('IOWeight', u64(ioWeight(blockIO.weight)))] : []),
  ];
}

const v1Properties = ({ memory = {}, cpu = {}, blockIO = {} }: LinuxResources): readonly BusValue[] => [
  ...(isSet(memory.limit) ? [property('MemoryLimit', u64(memory.limit))] : []),
  ...(isSet(cpu.shares) ? [property('CPUShares', u64(cpu.shares))] : []),
  ...(isSet(blockIO.weight) ? [property('BlockIOWeight', u64(blockIO.weight))] : []),
];

function tasksMax(limit: Wide | undefined): readonly BusValue[] {
  if (limit === undefined) return [];
  const value = BigInt(limit);
  // systemd refuses zero.
  return [property('TasksMax', u64(value < 0n ? INFINITY : value === 0n ? 1n : value))];
}

function cpusets({ cpu = {} }: LinuxResources, version: Version): readonly BusValue[] {
  if (!isAtLeast(version, CPUSET_VERSION)) return [];
  return [
    ...(cpu.cpus ? [property('AllowedCPUs', byteArray(bitsOf(cpu.cpus, 'linux.resources.cpu.cpus')))] : []),
    ...(cpu.mems ? [property('AllowedMemoryNodes', byteArray(bitsOf(cpu.mems, 'linux.resources.cpu.mems')))] : []),
  ];
}
