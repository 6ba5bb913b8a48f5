/** Files of `linux.resources.unified` for which systemd has properties. The others are only written. Pure. */

import type { BusValue } from '../../../native/libraries/bus/values.ts';
import { CgroupError } from '../error.ts';
import { bitsOf } from './cpu-list.ts';
import { cpuQuota } from './cpu-quota.ts';
import { byteArray, INFINITY, property, str, u64 } from './values.ts';
import { CPU_IDLE_VERSION, CPUSET_VERSION, isAtLeast, OOM_POLICY_VERSION, type Version } from './version.ts';

const BYTES: Readonly<Record<string, string>> = {
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
};
const CPUSETS: Readonly<Record<string, string>> = {
  'cpuset.cpus': 'AllowedCPUs',
  'cpuset.mems': 'AllowedMemoryNodes',
};

/** @throws CgroupError where a value has another form than its file */
export function unifiedProperties(unified: Readonly<Record<string, string>>, version: Version): readonly BusValue[] {
  const idle = unified['cpu.idle']?.trim() === '1' && isAtLeast(version, CPU_IDLE_VERSION);
  return Object.entries(unified).flatMap(([file, raw]): readonly BusValue[] => {
    const value = raw.trim();
    const bytes = BYTES[file];
    if (bytes !== undefined) return [property(bytes, u64(limitOf(file, value)))];
    const cpuset = CPUSETS[file];
    if (cpuset !== undefined)
      return isAtLeast(version, CPUSET_VERSION)
        ? [property(cpuset, byteArray(bitsOf(value, `unified resource ${JSON.stringify(file)}`)))]
        : [];
    if (file === 'cpu.max') return cpuMax(value, version);
    if (file === 'cpu.idle') return idle ? [property('CPUWeight', u64(0))] : [];
    if (file === 'cpu.weight') return idle ? [] : [property('CPUWeight', u64(numberOf(file, value)))];
    if (file !== 'pids.max') return [];
    const limit = limitOf(file, value);
    return [property('TasksMax', u64(limit === 0n ? 1n : limit))];
  });
}

function cpuMax(value: string, version: Version): readonly BusValue[] {
  const [quota = '', period, more] = value.split(/\s+/);
  if (quota === '' || more !== undefined)
    throw new CgroupError(`unified resource "cpu.max" value invalid: ${JSON.stringify(value)}`);
  const numbers = {
    quota: quota === 'max' ? -1 : numberOf('cpu.max', quota),
    ...(period === undefined ? {} : { period: numberOf('cpu.max', period) }),
  };
  return cpuQuota(numbers, version).properties;
}

/** OOMPolicy for memory.oom.group. systemd takes it only when the unit is made. */
export function oomPolicy(unified: Readonly<Record<string, string>>, version: Version): readonly BusValue[] {
  const group = unified['memory.oom.group']?.trim();
  if (!isAtLeast(version, OOM_POLICY_VERSION) || (group !== '0' && group !== '1')) return [];
  return [property('OOMPolicy', str(group === '1' ? 'kill' : 'continue'))];
}

const limitOf = (file: string, value: string): bigint => (value === 'max' ? INFINITY : numberOf(file, value));

function numberOf(file: string, value: string): bigint {
  if (/^\d{1,20}$/.test(value)) return BigInt(value);
  throw new CgroupError(
    `unified resource ${JSON.stringify(file)}: ${JSON.stringify(value)} is neither a number nor max`,
  );
}
