// Types alone: importing from here never loads zod, even where `import { type T }` leaves an import behind.

export type { Checks, Documents } from './compiled.ts';
export type { Config } from './config/config.ts';
export type { Hook, HookName, Hooks } from './config/hooks.ts';
export type { BlockIO, ThrottleDevice } from './config/linux/block-io.ts';
export type { Device, DeviceRule } from './config/linux/devices.ts';
export type { Linux } from './config/linux/linux.ts';
export type { Namespace, NamespaceType, TimeOffsets } from './config/linux/namespaces.ts';
export type { LinuxCPU, LinuxMemory, LinuxNetwork, LinuxResources } from './config/linux/resources.ts';
export type {
  Seccomp,
  SeccompAction,
  SeccompArch,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompSyscall,
} from './config/linux/seccomp.ts';
export type { IntelRdt, MemoryPolicy } from './config/linux/tuning.ts';
export type { IDMapping, Mount } from './config/mounts.ts';
export type { Capabilities, ConsoleSize, ExecCPUAffinity, Process, User } from './config/process.ts';
export type { IOPriority, Scheduler, SchedulerFlag, SchedulerPolicy } from './config/scheduling.ts';
export type { Features } from './features.ts';
export type { Wide } from './integers.ts';

export type { PrintedState, State, Status } from './state.ts';
