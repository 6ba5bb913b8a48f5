/** The limits of config.json as files of cgroup v2 (kernel: Documentation/admin-guide/cgroup-v2.rst). Pure. */

import type { BlockIO, LinuxCPU, LinuxMemory, LinuxResources } from '../../../spec/types.ts';
import { CgroupError } from '../files.ts';
import { cpuWeight, ioWeight, swapMax, v2Bytes } from './conversions.ts';
import { isSet, type Limit, majorMinor } from './limit.ts';
import { cpusetLimits, hugetlbLimits, pidsLimits, rdmaLimits } from './shared.ts';
import { throttles } from './throttles.ts';

/** @throws CgroupError for values that contradict each other */
export const v2Limits = (resources: LinuxResources): readonly Limit[] => [
  ...pidsLimits(resources),
  ...memoryLimits(resources.memory ?? {}),
  ...ioLimits(resources.blockIO ?? {}),
  ...cpuLimits(resources.cpu ?? {}),
  ...cpusetLimits(resources),
  ...hugetlbLimits(resources, 'max'),
  ...rdmaLimits(resources),
  // Last: what it says goes.
  ...unifiedLimits(resources.unified ?? {}),
];

function memoryLimits({ limit, swap, reservation }: LinuxMemory): readonly Limit[] {
  const swapLimit = swapMax(swap, limit);
  return [
    ...(swapLimit === undefined
      ? []
      : [
          {
            controller: 'memory',
            file: 'memory.swap.max',
            value: swapLimit,
            // Where the kernel has no swap accounting, there is none to forbid, nor to allow.
            ...(swapLimit === 'max' || swapLimit === '0' ? { tolerate: ['ENOENT'] as const } : {}),
          },
        ]),
    ...(isSet(limit) ? [{ controller: 'memory', file: 'memory.max', value: v2Bytes(limit) }] : []),
    ...(isSet(reservation) ? [{ controller: 'memory', file: 'memory.low', value: v2Bytes(reservation) }] : []),
  ];
}

const DEFAULT_PERIOD = 100_000;

function cpuLimits({ shares, quota, period, burst, idle }: LinuxCPU): readonly Limit[] {
  const limits: Limit[] = [];
  const add = (file: string, value: string, more: Partial<Limit> = {}): void => {
    limits.push({ controller: 'cpu', file, value, ...more });
  };
  if (idle !== undefined) add('cpu.idle', String(idle));
  if (isSet(shares)) add('cpu.weight', String(cpuWeight(shares)));
  // A burst is refused while it doesn't fit the quota of before: then it is written again after it.
  if (burst !== undefined) add('cpu.max.burst', String(burst), isSet(quota) ? { tolerate: ['EINVAL'] } : {});
  if (isSet(quota) || isSet(period)) {
    const allowed = isSet(quota) && BigInt(quota) > 0n ? String(quota) : 'max';
    add('cpu.max', `${allowed} ${isSet(period) ? period : DEFAULT_PERIOD}`);
    if (burst !== undefined && isSet(quota)) add('cpu.max.burst', String(burst));
  }
  return limits;
}

function ioLimits(io: BlockIO): readonly Limit[] {
  // BFQ has v1's scale; the cost model's io.weight has one of its own.
  const weight = (prefix: string, value: number): Limit => ({
    controller: 'io',
    file: 'io.bfq.weight',
    value: `${prefix}${value}`,
    otherwise: { file: 'io.weight', value: `${prefix}${ioWeight(value)}` },
  });
  return [
    ...(io.weight ? [weight('', io.weight)] : []),
    ...(io.weightDevice ?? []).flatMap((device) =>
      device.weight ? [weight(`${majorMinor(device)} `, device.weight)] : [],
    ),
    ...throttles(io).map(({ key, device, rate }) => ({
      controller: 'io',
      file: 'io.max',
      value: `${device} ${key}=${rate}`,
    })),
  ];
}

/** Files by their names, one line a write. @throws CgroupError for what is not a file of a cgroup */
function unifiedLimits(unified: Readonly<Record<string, string>>): readonly Limit[] {
  return Object.entries(unified).flatMap(([file, value]) => {
    if (file.includes('/'))
      throw new CgroupError(`unified resource ${JSON.stringify(file)} must be a file name (no slashes)`, '', 0);
    const [controller = '', parameter] = file.split('.', 2);
    if (parameter === undefined)
      throw new CgroupError(`unified resource ${JSON.stringify(file)} must be in the form CONTROLLER.PARAMETER`, '', 0);
    return value.split('\n').flatMap((line) => (line === '' ? [] : [{ controller, file, value: line }]));
  });
}
