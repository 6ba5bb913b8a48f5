/** Applies the device rules of a container to its cgroup, on v1 or v2. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { runsInUserNamespace } from '../../namespaces/user/read-mappings.ts';
import { isCgroupError } from '../error.ts';
import { applyLegacyDevices } from './legacy.ts';
import { policyOf } from './policy.ts';
import type { DevicePrograms } from './programs.ts';
import { containerRules } from './rules.ts';
import { applyUnifiedDevices } from './unified.ts';

export interface DeviceOptions {
  /** Goes on if the kernel refuses the rules. An ordinary user may only open what the host lets them anyway. */
  readonly rootless?: boolean | undefined;
  /** Keeps loaded programs for other containers. */
  readonly programs?: DevicePrograms | undefined;
}

/** Applies the rules of config.json and the default ones. @throws CgroupError */
export function applyDevices(
  kernel: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  { rootless = false, programs }: DeviceOptions = {},
): void {
  const policy = policyOf(containerRules(resources.devices));
  const { devices, unified } = record.paths;
  try {
    if (devices !== undefined) applyLegacyDevices(kernel, devices, policy);
    else if (record.layout === 'v2' && unified !== undefined) applyUnifiedDevices(kernel, unified, policy, programs);
  } catch (error) {
    const refused = isCgroupError(error, 'EPERM', 'EACCES', 'EROFS');
    // In a user namespace nobody may load programs or change rules. Nobody can make device nodes there either.
    if (!(refused && (rootless || runsInUserNamespace(kernel)))) throw error;
  }
}
