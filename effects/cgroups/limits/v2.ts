/** The limits of config.json as files of cgroup v2 (kernel: Documentation/admin-guide/cgroup-v2.rst). Pure. */

import type { BlockIO, LinuxCPU, LinuxMemory, LinuxResources } from '../../../spec/types.ts';
import { CgroupError } from '../error.ts';
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
  // These come last and override the others, since the user names these very files.
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
            // Without swap accounting the kernel has no swap to allow or to forbid.
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
  // The kernel refuses a burst that does not fit the old quota. So it is written again after the new one.
  if (burst !== undefined) add('cpu.max.burst', String(burst), isSet(quota) ? { tolerate: ['EINVAL'] } : {});
  if (isSet(quota) || isSet(period)) {
    const allowed = isSet(quota) && BigInt(quota) > 0n ? String(quota) : 'max';
    add('cpu.max', `${allowed} ${isSet(period) ? period : DEFAULT_PERIOD}`);
    if (burst !== undefined && isSet(quota)) add('cpu.max.burst', String(burst));
  }
  return limits;
}

function ioLimits(io: BlockIO): readonly Limit[] {
  // The weights of BFQ have v1's scale. Those of io.weight, which belong to the cost model, have another one.
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

/** Files by their names. Each write is one line. @throws CgroupError for a name that no file of a cgroup has */
function unifiedLimits(unified: Readonly<Record<string, string>>): readonly Limit[] {
  return Object.entries(unified).flatMap(([file, value]) => {
    if (file.includes('/'))
      throw new CgroupError(`unified resource ${JSON.stringify(file)} must be a file name (no slashes)`);
    const [controller = '', parameter] = file.split('.', 2);
    if (parameter === undefined)
      throw new CgroupError(`unified resource ${JSON.stringify(file)} must be in the form CONTROLLER.PARAMETER`);
    return value.split('\n').flatMap((line) => (line === '' ? [] : [{ controller, file, value: line }]));
  });
}
