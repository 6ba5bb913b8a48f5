/** The versions of systemd that brought what we use. */

/** The major version of systemd. An unknown one is taken for old. */
export type Version = number | undefined;

export const isAtLeast = (version: Version, needed: number): boolean => version !== undefined && version >= needed;

/** Takes `CPUWeight=0`, which means idle. */
export const CPU_IDLE_VERSION = 252;
/** Has AllowedCPUs and AllowedMemoryNodes. */
export const CPUSET_VERSION = 244;
/** Has CPUQuotaPeriodUSec. */
export const CPU_PERIOD_VERSION = 242;
/** Has OOMPolicy for scopes. */
export const OOM_POLICY_VERSION = 253;
