/** The limits of config.json as files of cgroup v1 (kernel: Documentation/admin-guide/cgroup-v1). Pure. */

import type { LinuxCPU, LinuxMemory, LinuxNetwork, LinuxResources } from '../../../spec/types.ts';
import { CgroupError } from '../error.ts';
import { isSet, isUnlimited, type Limit } from './limit.ts';
import { cpusetLimits, hugetlbLimits, pidsLimits, rdmaLimits } from './shared.ts';
import { blockIOLimits } from './v1-block-io.ts';

/** @throws CgroupError for a value that the kernel would change or refuse */
export function v1Limits(resources: LinuxResources): readonly Limit[] {
  if (Object.keys(resources.unified ?? {}).length > 0)
    throw new CgroupError('invalid configuration: cannot use unified on cgroup v1');
  return [
    ...cpusetLimits(resources),
    ...memoryLimits(resources.memory ?? {}),
    ...cpuLimits(resources.cpu ?? {}),
    ...pidsLimits(resources),
    ...blockIOLimits(resources.blockIO ?? {}),
    ...hugetlbLimits(resources, 'limit_in_bytes'),
    ...networkLimits(resources.network ?? {}),
    ...rdmaLimits(resources),
  ];
}

const LIMIT = 'memory.limit_in_bytes';
const SWAP = 'memory.memsw.limit_in_bytes';

function memoryLimits(memory: LinuxMemory): readonly Limit[] {
  const limits: Limit[] = [];
  const add = (file: string, value: string, more: Partial<Limit> = {}): void => {
    limits.push({ controller: 'memory', file, value, ...more });
  };
  const { limit, swap, reservation, swappiness } = memory;
  if (isSet(limit) && isSet(swap)) {
    // The kernel demands memory ≤ memory+swap at all times. So the limits grow in one order, and shrink in the other.
    add(LIMIT, String(limit), { tolerate: ['EINVAL'] });
    add(SWAP, String(swap));
    add(LIMIT, String(limit));
  } else if (isUnlimited(limit)) {
    // Without swap accounting this file is missing, and the limit below can be lifted without it.
    add(SWAP, '-1', { tolerate: ['ENOENT'] });
    add(LIMIT, '-1');
  } else {
    if (isSet(limit)) add(LIMIT, String(limit));
    if (isSet(swap)) add(SWAP, String(swap));
  }
  if (isSet(reservation)) add('memory.soft_limit_in_bytes', String(reservation));
  if (memory.disableOOMKiller) add('memory.oom_control', '1');
  // Docker writes -1 for `not set`, and that has become 2^64-1 on its way.
  if (swappiness !== undefined && BigInt.asIntN(64, BigInt(swappiness)) !== -1n) {
    if (BigInt(swappiness) > 100n)
      throw new CgroupError(`invalid memory swappiness value: ${swappiness} (valid range is 0-100)`);
    add('memory.swappiness', String(swappiness));
  }
  return limits;
}

const MIN_SHARES = 2n;
const MAX_SHARES = 262_144n;

function cpuLimits(cpu: LinuxCPU): readonly Limit[] {
  const limits: Limit[] = [];
  const add = (file: string, value: string, more: Partial<Limit> = {}): void => {
    limits.push({ controller: 'cpu', file, value, ...more });
  };
  const { shares, quota, period, burst, idle, realtimeRuntime, realtimePeriod } = cpu;
  if (isSet(shares)) {
    // The kernel would take such values silently, and clamp them.
    if (BigInt(shares) > MAX_SHARES) throw new CgroupError(`the maximum allowed cpu-shares is ${MAX_SHARES}`);
    if (BigInt(shares) < MIN_SHARES) throw new CgroupError(`the minimum allowed cpu-shares is ${MIN_SHARES}`);
    add('cpu.shares', String(shares));
  }
  // The kernel refuses a period or a burst that does not fit the old quota. So both are written again after the new
  // one.
  const again: readonly Limit[] = isSet(quota)
    ? [
        ...(isSet(period) ? [{ controller: 'cpu', file: 'cpu.cfs_period_us', value: String(period) }] : []),
        ...(burst === undefined
          ? []
          : [{ controller: 'cpu', file: 'cpu.cfs_burst_us', value: String(burst), tolerate: ['ENOENT'] as const }]),
      ]
    : [];
  if (isSet(period)) add('cpu.cfs_period_us', String(period), isSet(quota) ? { tolerate: ['EINVAL'] } : {});
  // cpu.cfs_burst_us is there since Linux 5.14.
  if (burst !== undefined)
    add('cpu.cfs_burst_us', String(burst), { tolerate: isSet(quota) ? ['ENOENT', 'EINVAL'] : ['ENOENT'] });
  if (isSet(quota)) add('cpu.cfs_quota_us', String(quota));
  limits.push(...again);
  if (idle !== undefined) add('cpu.idle', String(idle));
  if (isSet(realtimePeriod))
    add('cpu.rt_period_us', String(realtimePeriod), isSet(realtimeRuntime) ? { tolerate: ['EINVAL'] } : {});
  if (isSet(realtimeRuntime)) {
    add('cpu.rt_runtime_us', String(realtimeRuntime));
    if (isSet(realtimePeriod)) add('cpu.rt_period_us', String(realtimePeriod));
  }
  return limits;
}

const networkLimits = ({ classID, priorities = [] }: LinuxNetwork): readonly Limit[] => [
  ...(isSet(classID) ? [{ controller: 'net_cls', file: 'net_cls.classid', value: String(classID) }] : []),
  ...priorities.map(({ name, priority }) => ({
    controller: 'net_prio',
    file: 'net_prio.ifpriomap',
    value: `${name} ${priority}`,
  })),
];
