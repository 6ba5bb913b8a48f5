/**
 * What the lifecycle machine asks of the world. `effects/` implement it, `runtime/` composes it for one command;
 * the machine only knows these names.
 *
 * Rules that every effect follows:
 * - It throws to fail, with one line that says what was tried, on what and why. It may be asynchronous, but for `save`.
 * - An undo (`destroyInit`, `removeCgroup`, `removeState`) is called for phases that began, completed or not,
 *   and again after a crash: what is not there any more is done already.
 * - Live resources belong to the command's session, never to the record.
 * - What a request asks for comes with it: no effect finds it elsewhere.
 */

import type { CheckpointOptions } from '../effects/criu/options.ts';
import type { Restoration } from '../effects/criu/restoration.ts';
import type { CgroupRecord, ContainerRecord, Facts, HookKind, InitRecord } from '../spec/record.ts';
import type { Config, LinuxResources } from '../spec/types.ts';
import type { PersistedState } from './status.ts';

type MaybePromise<T> = T | Promise<T>;

export interface KillRequest {
  readonly signal: number;
  /** Every process of the cgroup, not the init alone. */
  readonly all: boolean;
}

export interface UpdateRequest {
  /** As it is once the update is in force. */
  readonly config: Config;
  /** The limits that are written. Of the others the kernel keeps what it has. */
  readonly resources: LinuxResources;
  /** Whether the schemata of `config.linux.intelRdt` are written too. */
  readonly schemata: boolean;
}

export interface CheckpointRequest {
  readonly leaveRunning: boolean;
  /** The memory alone, which `--parent-path` of a later one refers to; the container runs on. */
  readonly preDump: boolean;
  /** What CRIU is asked for. */
  readonly options: CheckpointOptions;
}

export interface RestoreRequest {
  /** The images, and what CRIU is asked for. */
  readonly restoration: Restoration;
}

export interface ContainerEffects {
  /** Writes the record to disk, as a later command shall find it should this one die before the next write. */
  save(record: ContainerRecord, as: PersistedState): void;

  /** Makes what the record planned; what it answers replaces the plan. */
  makeCgroup(record: ContainerRecord): MaybePromise<CgroupRecord>;
  /** Starts the init in the cgroup and in its namespaces. */
  enterNamespaces(record: ContainerRecord): MaybePromise<InitRecord>;
  /** Everything below the rootfs, before pivot_root: mounts, devices, links. */
  makeMounts(record: ContainerRecord): MaybePromise<void>;
  runHooks(record: ContainerRecord, kind: HookKind): MaybePromise<void>;
  /** pivot_root and what follows it: masked and read-only paths, the read-only root. */
  enterRootfs(record: ContainerRecord): MaybePromise<void>;
  /** Everything of the process that can be set before `start`; afterwards the init waits for it. */
  prepareProcess(record: ContainerRecord): MaybePromise<void>;

  /** The startContainer hooks, then execve. */
  startProcess(record: ContainerRecord): MaybePromise<void>;
  signal(record: ContainerRecord, request: KillRequest): MaybePromise<void>;
  freeze(record: ContainerRecord): MaybePromise<void>;
  thaw(record: ContainerRecord): MaybePromise<void>;
  /** Answers the config in force; on failure that of the record is in force again. */
  update(record: ContainerRecord, request: UpdateRequest): MaybePromise<Config>;
  checkpoint(record: ContainerRecord, request: CheckpointRequest): MaybePromise<void>;
  /** CRIU brings the processes back, running. */
  restore(record: ContainerRecord, request: RestoreRequest): MaybePromise<InitRecord>;
  observe(record: ContainerRecord): MaybePromise<Facts>;

  /**
   * SIGKILL to the init and to whatever is left in the cgroup, and waits until they are gone. An init that this
   * session started and the record does not know, because the effect that started it failed halfway, is one too.
   */
  destroyInit(record: ContainerRecord): MaybePromise<void>;
  removeCgroup(record: ContainerRecord): MaybePromise<void>;
  /** Removes the container's directory. */
  removeState(record: ContainerRecord): MaybePromise<void>;
}

/** What an actor of the machine is made of. Without effects it can be looked at, but performs nothing. */
export interface LifecycleInput {
  readonly record: ContainerRecord;
  readonly effects?: ContainerEffects | undefined;
}

/** The record, and beside it what is never written down. */
export interface LifecycleContext extends ContainerRecord {
  readonly effects?: ContainerEffects | undefined;
  /** While a container is restored. */
  readonly restoration?: Restoration | undefined;
}

/**
 * What an effect throws that fails for what an earlier phase had asked for and not waited for (batches are posted).
 * The machine reports it as the failure of that phase.
 */
export class EarlierFailure {
  readonly during: string;
  readonly error: unknown;

  constructor(during: string, error: unknown) {
    this.during = during;
    this.error = error;
  }
}
