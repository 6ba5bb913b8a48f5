import * as z from 'zod';
import { int32, uint64 } from '../integers.ts';

export const schedulerPolicySchema = z.enum([
  'SCHED_OTHER',
  'SCHED_FIFO',
  'SCHED_RR',
  'SCHED_BATCH',
  'SCHED_ISO',
  'SCHED_IDLE',
  'SCHED_DEADLINE',
]);

export const schedulerFlagSchema = z.enum([
  'SCHED_FLAG_RESET_ON_FORK',
  'SCHED_FLAG_RECLAIM',
  'SCHED_FLAG_DL_OVERRUN',
  'SCHED_FLAG_KEEP_POLICY',
  'SCHED_FLAG_KEEP_PARAMS',
  'SCHED_FLAG_UTIL_CLAMP_MIN',
  'SCHED_FLAG_UTIL_CLAMP_MAX',
]);

/** sched_setattr(2). `runtime`, `deadline` and `period` are nanoseconds. */
export const schedulerSchema = z.object({
  policy: schedulerPolicySchema,
  nice: int32.optional(),
  priority: int32.optional(),
  flags: z.array(schedulerFlagSchema).optional(),
  runtime: uint64.optional(),
  deadline: uint64.optional(),
  period: uint64.optional(),
});

/** ioprio_set(2). `priority` is 0 (highest) to 7. */
export const ioPrioritySchema = z.object({
  class: z.enum(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
  priority: int32.optional(),
});

export type SchedulerPolicy = z.infer<typeof schedulerPolicySchema>;
export type SchedulerFlag = z.infer<typeof schedulerFlagSchema>;
export type Scheduler = z.infer<typeof schedulerSchema>;
export type IOPriority = z.infer<typeof ioPrioritySchema>;
