/** Which filter a config asks for: that of its profile, or a program that crun's annotation brings. Pure. */

import type { Config, Seccomp } from '../../spec/types.ts';

/** crun's annotation: the program of the filter as base64, in the place of what linux.seccomp says. */
export const RAW_FILTER = 'run.oci.seccomp_bpf_data';

/** Whether the container's processes are under a filter. */
export const hasFilter = ({ linux, annotations }: Config): boolean =>
  linux?.seccomp !== undefined || annotations?.[RAW_FILTER] !== undefined;

/**
 * @returns what says how the filter is loaded, and what is in it where no program is brought; undefined where there is
 *   no filter. What is beside a program says its flags and its agent, as with crun.
 */
export function profileOf({ linux, annotations }: Config): Seccomp | undefined {
  const profile = linux?.seccomp;
  if (annotations?.[RAW_FILTER] === undefined) return profile;
  const { syscalls: _, defaultErrnoRet: __, ...beside } = profile ?? {};
  return { ...beside, defaultAction: 'SCMP_ACT_ALLOW' };
}
