/** CPU quotas in systemd's form: microseconds of CPU time a second, in whole percents. Pure. */

import type { BusValue } from '../../../native/libraries/bus/values.ts';
import type { LinuxCPU, Wide } from '../../../spec/types.ts';
import { isSet } from '../limits/limit.ts';
import { INFINITY, property, u64 } from './values.ts';
import { CPU_PERIOD_VERSION, isAtLeast, type Version } from './version.ts';

const DEFAULT_PERIOD = 100_000n;
const SECOND = 1_000_000n;
const PERCENT = SECOND / 100n;

interface Quota {
  readonly properties: readonly BusValue[];
  /**
   * The quota for the cgroup's own file. With another one in the file, systemd would replace it at its next occasion.
   */
  readonly quota: Wide | undefined;
}

export function cpuQuota({ quota, period }: LinuxCPU, version: Version): Quota {
  if (!isSet(quota) && !isSet(period)) return { properties: [], quota };
  const every = isSet(period) ? BigInt(period) : DEFAULT_PERIOD;
  const properties =
    isSet(period) && isAtLeast(version, CPU_PERIOD_VERSION) ? [property('CPUQuotaPeriodUSec', u64(period))] : [];
  if (!isSet(quota) || BigInt(quota) < 0n)
    return { properties: [...properties, property('CPUQuotaPerSecUSec', u64(INFINITY))], quota };
  const exact = (BigInt(quota) * SECOND) / every;
  // It rounds up, so that cgroups below get the whole of what they were promised.
  const rounded = ((exact + PERCENT - 1n) / PERCENT) * PERCENT;
  return {
    properties: [...properties, property('CPUQuotaPerSecUSec', u64(rounded))],
    quota: rounded === exact ? quota : (rounded * every) / SECOND,
  };
}
