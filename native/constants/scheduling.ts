/** Scheduling, I/O priority and NUMA memory policy. */

/** Policies of sched(7): uapi/linux/sched.h. */
export const SCHED = {
  OTHER: 0,
  FIFO: 1,
  RR: 2,
  BATCH: 3,
  /** Reserved, and refused by every kernel yet. */
  ISO: 4,
  IDLE: 5,
  DEADLINE: 6,
} as const;

/** sched_setattr(2). */
export const SCHED_FLAG = {
  RESET_ON_FORK: 0x1,
  RECLAIM: 0x2,
  DL_OVERRUN: 0x4,
  KEEP_POLICY: 0x8,
  KEEP_PARAMS: 0x10,
  UTIL_CLAMP_MIN: 0x20,
  UTIL_CLAMP_MAX: 0x40,
} as const;

/** ioprio_set(2): uapi/linux/ioprio.h. */
export const IOPRIO_CLASS = { RT: 1, BE: 2, IDLE: 3 } as const;
export const IOPRIO_WHO_PROCESS = 1;
export const IOPRIO_CLASS_SHIFT = 13;

/** set_mempolicy(2): uapi/linux/mempolicy.h. WEIGHTED_INTERLEAVE since Linux 6.9. */
export const MPOL = {
  DEFAULT: 0,
  PREFERRED: 1,
  BIND: 2,
  INTERLEAVE: 3,
  LOCAL: 4,
  PREFERRED_MANY: 5,
  WEIGHTED_INTERLEAVE: 6,
} as const;
export const MPOL_F = { NUMA_BALANCING: 0x2000, RELATIVE_NODES: 0x4000, STATIC_NODES: 0x8000 } as const;
