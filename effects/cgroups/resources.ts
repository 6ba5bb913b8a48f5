/** Applies the resources of config.json to a container's cgroup. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { applyDevices, type DeviceOptions } from './devices/apply.ts';
import type { Limit } from './limits/limit.ts';
import { checkMemoryUse } from './limits/memory-use.ts';
import { rememberLimits } from './limits/restore.ts';
import { v1Limits } from './limits/v1.ts';
import { v2Limits } from './limits/v2.ts';
import { writeLimits } from './limits/write.ts';

/** The limits that have to be written for these resources. Pure. @throws CgroupError for impossible values */
const planLimits = ({ layout }: CgroupRecord, resources: LinuxResources): readonly Limit[] =>
  layout === 'v2' ? v2Limits(resources) : v1Limits(resources);

/**
 * Sets the device rules and the limits of a new cgroup.
 * @throws CgroupError; then some limits may have been set
 */
export function applyResources(
  kernel: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  options: DeviceOptions = {},
): void {
  const limits = planLimits(record, resources);
  applyDevices(kernel, record, resources, options);
  checkMemoryUse(kernel, record, resources);
  writeLimits(kernel, record, limits);
}

/**
 * Changes the limits of a container. Its device rules stay as they are, as with runc's `update`.
 * @throws CgroupError; then the limits are as they were
 */
export function updateResources(kernel: Kernel, record: CgroupRecord, resources: LinuxResources): void {
  const limits = planLimits(record, resources);
  checkMemoryUse(kernel, record, resources);
  const restore = rememberLimits(kernel, record, limits);
  try {
    writeLimits(kernel, record, limits);
  } catch (error) {
    restore();
    throw error;
  }
}
