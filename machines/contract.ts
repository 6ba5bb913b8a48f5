/**
 * What the lifecycle machine asks of the world. `effects/` implement it, `runtime/` composes it for one command;
 * the machine only knows these names.
 *
 * Rules that every effect follows:
 * - It throws to fail, with one line that says what was tried, on what and why. It may be asynchronous.
 * - An undo (`destroyInit`, `removeCgroup`, `removeState`) is called for phases that began, completed or not,
 *   and again after a crash: what is not there any more is done already.
 * - Live resources belong to the command's session, never to the record.
 */

import type { CgroupRecord, ContainerRecord, Facts, HookKind, InitRecord } from '../spec/record.ts';
import type { Config } from '../spec/types.ts';
import type { PersistedState } from './persisted.ts';

type MaybePromise<T> = T | Promise<T>;

export interface KillRequest {
  readonly signal: number;
  /** Every process of the cgroup, not the init alone. */
  readonly all: boolean;
}

/** CRIU's own options belong to the command's session. */
export interface CheckpointRequest {
  readonly leaveRunning: boolean;
  readonly preDump: boolean;
}

export interface ContainerEffects {
  /** Writes the record to disk, as a later command shall find it should this one die before the next write. */
  save(record: ContainerRecord, as: PersistedState): MaybePromise<void>;

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
  /** Applies the resources of `config` and answers the config in force; on failure that of the record is in force again. */
  update(record: ContainerRecord, config: Config): MaybePromise<Config>;
  checkpoint(record: ContainerRecord, request: CheckpointRequest): MaybePromise<void>;
  /** CRIU brings the processes back, running. Its options belong to the command's session. */
  restore(record: ContainerRecord): MaybePromise<InitRecord>;
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
