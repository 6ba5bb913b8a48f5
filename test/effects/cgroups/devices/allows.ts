/**
 * The kernel's side of a device policy (security/device_cgroup.c, match_exception), to test programs and rules against.
 */

import type { DevicePolicy } from '../../../../effects/cgroups/devices/policy.ts';
import { ANY, type Match } from '../../../../effects/cgroups/devices/rules.ts';

/**
 * Whether a policy lets a process do this to a device: what the kernel answers, by v1's controller and v2's program
 * alike.
 */
export function allows({ defaultAllow, exceptions }: DevicePolicy, asked: Match): boolean {
  const about = exceptions.filter(
    ({ type, major, minor }) =>
      type === asked.type && (major === ANY || major === asked.major) && (minor === ANY || minor === asked.minor),
  );
  // An exception that allows has to cover the whole access. One that denies applies to any part of it.
  return defaultAllow
    ? !about.some(({ access }) => (access & asked.access) !== 0)
    : about.some(({ access }) => (asked.access & ~access) === 0);
}
