import * as z from 'zod';

/** Cache and memory bandwidth allocation through resctrl: config-linux.md, "IntelRdt". */
export const intelRdtSchema = z.object({
  closID: z.string().optional(),
  schemata: z.array(z.string()).optional(),
  l3CacheSchema: z.string().optional(),
  memBwSchema: z
    .string()
    .regex(/^MB:[^\n]*$/)
    .optional(),
  enableMonitoring: z.boolean().optional(),
});

export const memoryPolicyModeSchema = z.enum([
  'MPOL_DEFAULT',
  'MPOL_BIND',
  'MPOL_INTERLEAVE',
  'MPOL_WEIGHTED_INTERLEAVE',
  'MPOL_PREFERRED',
  'MPOL_PREFERRED_MANY',
  'MPOL_LOCAL',
]);

export const memoryPolicyFlagSchema = z.enum(['MPOL_F_NUMA_BALANCING', 'MPOL_F_RELATIVE_NODES', 'MPOL_F_STATIC_NODES']);

/** set_mempolicy(2). `nodes` is a list such as `0-3,7`. */
export const memoryPolicySchema = z.object({
  mode: memoryPolicyModeSchema.optional(),
  nodes: z.string().optional(),
  flags: z.array(memoryPolicyFlagSchema).optional(),
});

/** personality(2). */
export const personalitySchema = z.object({
  domain: z.enum(['LINUX', 'LINUX32']).optional(),
  flags: z.array(z.string()).optional(),
});

export type IntelRdt = z.infer<typeof intelRdtSchema>;
export type MemoryPolicy = z.infer<typeof memoryPolicySchema>;
export type Personality = z.infer<typeof personalitySchema>;
