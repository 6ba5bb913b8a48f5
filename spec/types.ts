// Types alone: importing from here never loads zod, even where `import { type T }` leaves an import behind.

export type { Check, Checks, Documents } from './compiled.ts';
export type { Config } from './config/config.ts';
export type { Hook, HookName, Hooks } from './config/hooks.ts';
export type { BlockIO, ThrottleDevice, WeightDevice } from './config/linux/block-io.ts';
export type { Device, DeviceRule, NetDevice } from './config/linux/devices.ts';
export type { Linux, RootfsPropagation } from './config/linux/linux.ts';
export type { Namespace, NamespaceType, TimeOffset, TimeOffsets } from './config/linux/namespaces.ts';
export type {
  HugepageLimit,
  InterfacePriority,
  LinuxCPU,
  LinuxMemory,
  LinuxNetwork,
  LinuxPids,
  LinuxRdma,
  LinuxResources,
} from './config/linux/resources.ts';
export type {
  Seccomp,
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompSyscall,
} from './config/linux/seccomp.ts';
export type { IntelRdt, MemoryPolicy, Personality } from './config/linux/tuning.ts';
export type { IDMapping, Mount, Root } from './config/mounts.ts';
export type { Capabilities, ConsoleSize, ExecCPUAffinity, Process, Rlimit, User } from './config/process.ts';
export type { IOPriority, Scheduler, SchedulerFlag, SchedulerPolicy } from './config/scheduling.ts';
export type { Features, LinuxFeatures } from './features.ts';
export type { Wide } from './integers.ts';
export type { JsonPath, Problem } from './problem.ts';
export type { CheckedConfig, CheckedProcess } from './rules/rules.ts';
export type { ContainerState, State, Status } from './state.ts';
