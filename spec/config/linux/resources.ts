import * as z from 'zod';
import { int64, uint32, uint64 } from '../../integers.ts';
import { blockIOSchema } from './block-io.ts';
import { deviceRuleSchema } from './devices.ts';

/** Limits in bytes; -1 is no limit. `swap` limits memory and swap together. `kernel` and `kernelTCP` are deprecated. */
export const memorySchema = z.object({
  limit: int64.optional(),
  reservation: int64.optional(),
  swap: int64.optional(),
  kernel: int64.optional(),
  kernelTCP: int64.optional(),
  swappiness: uint64.optional(),
  disableOOMKiller: z.boolean().optional(),
  useHierarchy: z.boolean().optional(),
  checkBeforeUpdate: z.boolean().optional(),
});

/** Times are in microseconds. `cpus` and `mems` are lists such as `0-3,7`. */
export const cpuSchema = z.object({
  shares: uint64.optional(),
  quota: int64.optional(),
  burst: uint64.optional(),
  period: uint64.optional(),
  realtimeRuntime: int64.optional(),
  realtimePeriod: uint64.optional(),
  cpus: z.string().optional(),
  mems: z.string().optional(),
  idle: int64.optional(),
});

/** -1 is no limit. config-linux.md 1.3 makes it optional; the JSON schema still requires it. */
const pidsSchema = z.object({ limit: int64.optional() });

const hugepageLimitSchema = z.object({ pageSize: z.string().regex(/^[1-9][0-9]*[KMG]B$/), limit: uint64 });

const interfacePrioritySchema = z.object({ name: z.string(), priority: uint32 });

/** The controllers net_cls and net_prio, which only cgroup v1 has. */
export const networkSchema = z.object({
  classID: uint32.optional(),
  priorities: z.array(interfacePrioritySchema).optional(),
});

const rdmaSchema = z.object({ hcaHandles: uint32.optional(), hcaObjects: uint32.optional() });

/** The limits of the container's cgroup: config-linux.md, "Control groups". `unified` has files of cgroup v2. */
export const resourcesSchema = z.object({
  devices: z.array(deviceRuleSchema).optional(),
  memory: memorySchema.optional(),
  cpu: cpuSchema.optional(),
  pids: pidsSchema.optional(),
  blockIO: blockIOSchema.optional(),
  hugepageLimits: z.array(hugepageLimitSchema).optional(),
  network: networkSchema.optional(),
  rdma: z.record(z.string(), rdmaSchema).optional(),
  unified: z.record(z.string(), z.string()).optional(),
});

export type LinuxMemory = z.infer<typeof memorySchema>;
export type LinuxCPU = z.infer<typeof cpuSchema>;
export type LinuxNetwork = z.infer<typeof networkSchema>;
export type LinuxResources = z.infer<typeof resourcesSchema>;
