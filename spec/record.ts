/**
 * The record of a container: the lifecycle machine's context, and so what `state.json` holds of it.
 * Plain JSON values only: live resources (sockets, descriptors) belong to the command that holds them.
 */

import type { Config, Status } from './types.ts';

/** In the order of a life. */
export const STATUSES = ['creating', 'created', 'running', 'paused', 'stopped'] as const satisfies readonly Status[];

/** The phases of creation and of restoring that leave something to undo or are worth seeing, in order. */
export const PHASES = [
  'cgroup',
  'namespaces',
  'mounts',
  'createRuntimeHooks',
  'createContainerHooks',
  'rootfs',
  'process',
] as const;
export type PhaseName = (typeof PHASES)[number];

/**
 * Who runs them: `createRuntime` (with the older `prestart` before), `poststart` and `poststop` the runtime, the rest
 * the init.
 */
export type HookKind = 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/**
 * The container's cgroup: opaque to the machine. `paths` has one absolute path for each v1 controller, or `unified`.
 */
export interface CgroupRecord {
  readonly layout: 'v1' | 'hybrid' | 'v2';
  readonly driver: 'fs' | 'systemd';
  readonly paths: Readonly<Record<string, string>>;
  /** The systemd unit, where systemd made the cgroup. */
  readonly unit?: string;
}

/** The container's groups in the resctrl file system: absolute paths. */
export interface ResctrlRecord {
  /** Where the file system is mounted. */
  readonly root: string;
  /** The group that has the limits: `root` itself is the default one. */
  readonly path: string;
  /** It was not there before. */
  readonly made: boolean;
  /** It goes with the container. */
  readonly owned: boolean;
  /** The group that counts, below `path`; always the container's own. */
  readonly monitor?: string;
}

/**
 * A process that a reused pid cannot be taken for: `startTime` is field 22 of /proc/PID/stat, in clock ticks since
 * boot.
 */
export interface InitRecord {
  readonly pid: number;
  readonly startTime: string;
}

/** Options of `create` and `run` that later commands need. */
export interface ContainerOptions {
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  readonly systemdCgroup: boolean;
  /** The caller may lack the right to make cgroups: what cannot be made is done without. */
  readonly rootlessCgroups?: boolean;
  /** How many descriptors from 3 on the container's process inherits. */
  readonly preserveFds: number;
  /** Where its standard descriptors led when it was created: `pipe:[123]`. None where it has a terminal. */
  readonly stdio?: readonly string[];
}

export interface ContainerRecord {
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
  /** The state directory that holds `<id>/`; absolute path. */
  readonly root: string;
  readonly ociVersion: string;
  /** Absolute path. */
  readonly rootfs: string;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string;
  /** The uid of who created it. */
  readonly owner: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config: Config;
  readonly options: ContainerOptions;
  /** Planned before the first effect, so that what a crash leaves behind can be found. */
  readonly cgroup?: CgroupRecord;
  /** Planned as early, with `linux.intelRdt`. */
  readonly resctrl?: ResctrlRecord;
  readonly init?: InitRecord;
  /** Phases whose effect has been called, in order: the intent, so some may not have been completed. */
  readonly begun: readonly PhaseName[];
  /** The furthest that the container came: `resume` and reconciliation go back to it. */
  readonly reached: 'creating' | 'created' | 'running';
  /** Undo steps that failed: why `unfinished` containers are still there. */
  readonly leftovers: readonly string[];
}

/** What the kernel says about a container's init and cgroup. */
export interface Facts {
  /** `gone` also when its pid belongs to another process by now, and when it is a zombie. */
  readonly init: 'alive' | 'gone';
  readonly frozen: boolean;
  /** The init no longer waits for `start`: it has executed the container's program. */
  readonly started: boolean;
}
