/** Whether the container's own seccomp profile is why a call failed. Pure. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { SyscallName } from '../../native/kernel/kernel.ts';
import type { Seccomp } from '../../spec/types.ts';
import type { Cause } from './cause.ts';

/** @param errno positive, of a call that failed under the profile */
export function whySeccomp(profile: Seccomp | undefined, name: SyscallName, errno: number): Cause | undefined {
  if (profile === undefined || errnoFor(profile, name) !== errno) return undefined;
  return {
    why: `the seccomp profile forbids ${name}`,
    advice: `Allow ${name} in linux.seccomp.syscalls of config.json: a container's process needs it to start`,
  };
}

/**
 * The errno that a profile gives a call with; undefined where it lets the call through, or ends the process. Rules on
 * arguments are left out.
 */
function errnoFor(profile: Seccomp, name: SyscallName): number | undefined {
  const rule = profile.syscalls?.find(({ names, args = [] }) => args.length === 0 && names.includes(name));
  const [action, errno] = rule ? [rule.action, rule.errnoRet] : [profile.defaultAction, profile.defaultErrnoRet];
  return action === 'SCMP_ACT_ERRNO' ? (errno ?? ERRNO.EPERM) : undefined;
}
