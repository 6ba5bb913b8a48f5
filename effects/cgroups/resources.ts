/** The limits of config.json, applied to a container's cgroup. */

import type { Kernel } from '../../native/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { applyDevices } from './devices/apply.ts';

export interface ApplyOptions {
  readonly rootless?: boolean;
  /** `update` leaves the device rules alone, as runc's does. */
  readonly keepDevices?: boolean;
}

/** @throws CgroupError */
export function applyResources(
  kernel: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  options: ApplyOptions = {},
): void {
  if (!options.keepDevices) applyDevices(kernel, record, resources, options.rootless);
}
