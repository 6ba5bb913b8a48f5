/** The device rules of a container, on whichever cgroup it has. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { runsInUserNamespace } from '../../namespaces/user/read-mappings.ts';
import { isCgroupError } from '../files.ts';
import { applyLegacyDevices } from './legacy.ts';
import { policyOf } from './policy.ts';
import type { DevicePrograms } from './programs.ts';
import { containerRules } from './rules.ts';
import { applyUnifiedDevices } from './unified.ts';

export interface DeviceOptions {
  /** What the kernel refuses is let go: an ordinary user may open what the host lets them, and no more. */
  readonly rootless?: boolean | undefined;
  /** Where loaded programs are kept, if they are. */
  readonly programs?: DevicePrograms | undefined;
}

/** @throws CgroupError */
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
    // In a user namespace nobody may load programs or change rules, and nobody can make device nodes either.
    if (!(refused && (rootless || runsInUserNamespace(kernel)))) throw error;
  }
}
