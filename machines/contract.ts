/**
 * What the lifecycle machine asks of the world. `effects/` implements it, `runtime/` puts it together for one command,
 * and the machine knows only these names.
 *
 * Every effect follows these rules:
 * - To fail, it throws. The error's message is one line that says what was tried, on what, and why it failed.
 * - It may be asynchronous, except `save`.
 * - An undo (`destroyInit`, `removeCgroup`, `removeState`) is called for phases that began, even if they were not
 *   completed, and again after a crash. If there is nothing left to undo, it succeeds.
 * - Live resources belong to the command's session, never to the record.
 * - What a request asks for comes with the request. No effect looks for it elsewhere.
 */

import type { CheckpointOptions } from '../effects/criu/options.ts';
import type { Restoration } from '../effects/criu/restoration.ts';
import type { CgroupRecord, ContainerRecord, Facts, HookKind, InitRecord } from '../spec/record.ts';
import type { Config, LinuxResources } from '../spec/types.ts';
import type { PersistedState } from './status.ts';

type MaybePromise<T> = T | Promise<T>;

export interface KillRequest {
  readonly signal: number;
  /** The signal goes to every process of the cgroup, not to the init alone. */
  readonly all: boolean;
}

export interface UpdateRequest {
  /** The config that is in force after the update. */
  readonly config: Config;
  /** The limits that are written. The kernel keeps its other limits. */
  readonly resources: LinuxResources;
  /** Whether the schemata of `config.linux.intelRdt` are written, too. */
  readonly schemata: boolean;
}

export interface CheckpointRequest {
  readonly leaveRunning: boolean;
  /** Only the memory is dumped, for `--parent-path` of a later checkpoint. The container goes on running. */
  readonly preDump: boolean;
  /** What CRIU is asked for. */
  readonly options: CheckpointOptions;
}

export interface RestoreRequest {
  /** The images, and what CRIU is asked for. */
  readonly restoration: Restoration;
}

export interface ContainerEffects {
  /** Writes the record to disk. A later command finds it so, if this one dies before it writes again. */
  save(record: ContainerRecord, as: PersistedState): void;

  /** Makes the cgroup that the record plans. The answer takes the place of the plan. */
  makeCgroup(record: ContainerRecord): MaybePromise<CgroupRecord>;
  /** Starts the init in the cgroup and in its namespaces. */
  enterNamespaces(record: ContainerRecord): MaybePromise<InitRecord>;
  /** Makes everything below the rootfs, before pivot_root: mounts, devices, links. */
  makeMounts(record: ContainerRecord): MaybePromise<void>;
  runHooks(record: ContainerRecord, kind: HookKind): MaybePromise<void>;
  /** Performs pivot_root and what follows it: masked and read-only paths, the read-only root. */
  enterRootfs(record: ContainerRecord): MaybePromise<void>;
  /** Sets everything of the process that can be set before `start`. Then the init waits for `start`. */
  prepareProcess(record: ContainerRecord): MaybePromise<void>;

  /** Runs the startContainer hooks, then the init calls execve. */
  startProcess(record: ContainerRecord): MaybePromise<void>;
  signal(record: ContainerRecord, request: KillRequest): MaybePromise<void>;
  freeze(record: ContainerRecord): MaybePromise<void>;
  thaw(record: ContainerRecord): MaybePromise<void>;
  /** Answers the config that is in force then. If it fails, the record's config is in force again. */
  update(record: ContainerRecord, request: UpdateRequest): MaybePromise<Config>;
  checkpoint(record: ContainerRecord, request: CheckpointRequest): MaybePromise<void>;
  /** CRIU brings the processes back, running. */
  restore(record: ContainerRecord, request: RestoreRequest): MaybePromise<InitRecord>;
  observe(record: ContainerRecord): MaybePromise<Facts>;

  /**
   * Sends SIGKILL to the init and to all that is left in the cgroup, and waits until they are gone. If the effect that
   * started an init failed halfway, the record does not know the init, but the session does: it is killed, too.
   */
  destroyInit(record: ContainerRecord): MaybePromise<void>;
  removeCgroup(record: ContainerRecord): MaybePromise<void>;
  /** Removes the container's directory. */
  removeState(record: ContainerRecord): MaybePromise<void>;
}

/** What an actor of the machine needs. Without effects one can look at it, but it performs nothing. */
export interface LifecycleInput {
  readonly record: ContainerRecord;
  readonly effects?: ContainerEffects | undefined;
}

/** The record, and what is never written down. */
export interface LifecycleContext extends ContainerRecord {
  readonly effects?: ContainerEffects | undefined;
  /** What the container is restored from, while that goes on. */
  readonly restoration?: Restoration | undefined;
}

/**
 * An effect throws this where something failed that an earlier phase had asked for, but not waited for: batches are
 * posted. The machine reports it as the failure of that phase.
 */
export class EarlierFailure {
  readonly during: string;
  readonly error: unknown;

  constructor(during: string, error: unknown) {
    this.during = during;
    this.error = error;
  }
}
