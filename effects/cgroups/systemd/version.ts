/** What systemd learned when. */

/** The version of systemd; what is not known is taken for old. */
export type Version = number | undefined;

export const isAtLeast = (version: Version, needed: number): boolean => version !== undefined && version >= needed;

/** Since then `CPUWeight=0`, idle, can be said. */
export const CPU_IDLE_VERSION = 252;
/** Since then AllowedCPUs and AllowedMemoryNodes. */
export const CPUSET_VERSION = 244;
/** Since then CPUQuotaPeriodUSec. */
export const CPU_PERIOD_VERSION = 242;
/** Since then OOMPolicy of scopes. */
export const OOM_POLICY_VERSION = 253;
