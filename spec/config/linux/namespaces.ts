import * as z from 'zod';
import { int64, uint32 } from '../../integers.ts';

export const namespaceTypeSchema = z.enum(['mount', 'pid', 'network', 'uts', 'ipc', 'user', 'cgroup', 'time']);

/** A namespace to make, or to join where it has a `path`. */
export const namespaceSchema = z.object({ type: namespaceTypeSchema, path: z.string().optional() });

const timeOffsetSchema = z.object({ secs: int64.optional(), nanosecs: uint32.optional() });

/** Offsets of the time namespace's clocks: time_namespaces(7). */
export const timeOffsetsSchema = z.object({
  boottime: timeOffsetSchema.optional(),
  monotonic: timeOffsetSchema.optional(),
});

export type NamespaceType = z.infer<typeof namespaceTypeSchema>;
export type Namespace = z.infer<typeof namespaceSchema>;
export type TimeOffsets = z.infer<typeof timeOffsetsSchema>;
