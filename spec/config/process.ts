import * as z from 'zod';
import { uint32, uint64 } from '../integers.ts';
import { ioPrioritySchema, schedulerSchema } from './scheduling.ts';

/** Terminal size in characters. */
export const consoleSizeSchema = z.object({ height: uint64, width: uint64 });

/** The ids are those inside the container. `username` is for Windows only. */
export const userSchema = z.object({
  uid: uint32.optional(),
  gid: uint32.optional(),
  umask: uint32.optional(),
  additionalGids: z.array(uint32).optional(),
  username: z.string().optional(),
});

/** The five capability sets. Names are such as `CAP_KILL`. */
export const capabilitiesSchema = z.object({
  bounding: z.array(z.string()).optional(),
  effective: z.array(z.string()).optional(),
  inheritable: z.array(z.string()).optional(),
  permitted: z.array(z.string()).optional(),
  ambient: z.array(z.string()).optional(),
});

/** A limit of setrlimit(2). 18446744073709551615 means unlimited. */
const rlimitSchema = z.object({
  type: z.string().regex(/^RLIMIT_[A-Z]+$/),
  hard: uint64,
  soft: uint64,
});

/**
 * Lists of CPUs, such as `0-3,7`: `initial` for the runtime's process while `exec` starts, `final` for the process that
 * it becomes.
 */
export const execCPUAffinitySchema = z.object({
  initial: z
    .string()
    .regex(/^[0-9, -]*$/)
    .optional(),
  final: z
    .string()
    .regex(/^[0-9, -]*$/)
    .optional(),
});

/** The program of a container, or of `exec`: config.md, "Process". */
export const processSchema = z.object({
  terminal: z.boolean().optional(),
  consoleSize: consoleSizeSchema.optional(),
  user: userSchema.optional(),
  args: z.array(z.string()).optional(),
  commandLine: z.string().optional(),
  env: z.array(z.string()).optional(),
  cwd: z.string(),
  capabilities: capabilitiesSchema.optional(),
  rlimits: z.array(rlimitSchema).optional(),
  noNewPrivileges: z.boolean().optional(),
  apparmorProfile: z.string().optional(),
  selinuxLabel: z.string().optional(),
  oomScoreAdj: z.int().optional(),
  scheduler: schedulerSchema.optional(),
  ioPriority: ioPrioritySchema.optional(),
  execCPUAffinity: execCPUAffinitySchema.optional(),
});

export type ConsoleSize = z.infer<typeof consoleSizeSchema>;
export type User = z.infer<typeof userSchema>;
export type Capabilities = z.infer<typeof capabilitiesSchema>;
export type ExecCPUAffinity = z.infer<typeof execCPUAffinitySchema>;
export type Process = z.infer<typeof processSchema>;
