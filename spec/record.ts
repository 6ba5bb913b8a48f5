/**
 * The record of a container: the lifecycle machine's context, which `state.json` keeps. It has only plain JSON values.
 * Live resources (sockets, descriptors) belong to the command that holds them.
 */

import type { Config, Status } from './types.ts';

/** In the order of a life. */
export const STATUSES = ['creating', 'created', 'running', 'paused', 'stopped'] as const satisfies readonly Status[];

/** The phases of `create` and `restore` that leave something to undo or that are worth showing, in order. */
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
 * The runtime runs `createRuntime` (after the older `prestart`), `poststart` and `poststop`. The init starts the
 * others, in the container's namespaces.
 */
export type HookKind = 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/**
 * The container's cgroup. The machine does not look into it. `paths` has an absolute path for each v1 controller, or
 * one for `unified`.
 */
export interface CgroupRecord {
  readonly layout: 'v1' | 'hybrid' | 'v2';
  readonly driver: 'fs' | 'systemd';
  readonly paths: Readonly<Record<string, string>>;
  /** The systemd unit, if systemd made the cgroup. */
  readonly unit?: string;
}

/** The container's groups in the resctrl file system: absolute paths. */
export interface ResctrlRecord {
  /** Where the file system is mounted. */
  readonly root: string;
  /** The group that has the limits. The default group is `root` itself. */
  readonly path: string;
  /** Whether we made the group: it was not there before. */
  readonly made: boolean;
  /** Whether the group is removed with the container. */
  readonly owned: boolean;
  /** The monitoring group, below `path`. It is always the container's own. */
  readonly monitor?: string;
}

/**
 * A process. `startTime` (field 22 of /proc/PID/stat, in clock ticks since boot) tells it from a later one with the
 * same pid.
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
  /** The caller may lack the right to make cgroups. The container does without those that cannot be made. */
  readonly rootlessCgroups?: boolean;
  /** How many descriptors from 3 on the container's process inherits. */
  readonly preserveFds: number;
  /** What its standard descriptors were when it was created: `pipe:[123]`. Absent where it has a terminal. */
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
  /** The uid of the user who created it. */
  readonly owner: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config: Config;
  readonly options: ContainerOptions;
  /** It is planned before the first effect, so that after a crash it can be found. */
  readonly cgroup?: CgroupRecord;
  /** It is planned as early, where the config has `linux.intelRdt`. */
  readonly resctrl?: ResctrlRecord;
  readonly init?: InitRecord;
  /** The phases whose effects have been called, in order. They need not have been completed. */
  readonly begun: readonly PhaseName[];
  /** How far the container came. `resume` and observations lead back to that. */
  readonly reached: 'creating' | 'created' | 'running';
  /** The undos that failed: why an `unfinished` container is still there. */
  readonly leftovers: readonly string[];
}

/** What the kernel says about a container's init and cgroup. */
export interface Facts {
  /** It is `gone` also when it is a zombie, or when its pid belongs to another process by now. */
  readonly init: 'alive' | 'gone';
  readonly frozen: boolean;
  /** Whether the init has executed the container's program, and no longer waits for `start`. */
  readonly started: boolean;
}
