/**
 * The effects that make a container, by the names that the machine knows them by. Only commands that make a container
 * load this file.
 */

import { awaitAnswers } from '../../effects/answers.ts';
import { makeCgroup } from '../../effects/cgroups/by-driver.ts';
import { giveCgroup } from '../../effects/cgroups/owner.ts';
import { EffectError } from '../../effects/error.ts';
import { awaitStart, consoleDescriptor, settleInit, settlesAlone, startInit } from '../../effects/init/start.ts';
import { inUserNamespace } from '../../effects/namespaces/user/mappings.ts';
import { settleUserNamespace } from '../../effects/namespaces/user/settle.ts';
import { postLimits } from '../../effects/process/early-rights.ts';
import type { Surroundings } from '../../effects/process/look-around.ts';
import { prepareProcess } from '../../effects/process/prepare.ts';
import { giveTerminal } from '../../effects/process/terminal.ts';
import type { GroupCreation } from '../../effects/resctrl/creation.ts';
import { enterRootfs, makeMounts, protectRootfs, writeMountsAhead } from '../../effects/rootfs/make.ts';
import { connectedInit, type Session } from '../../effects/session.ts';
import { EarlierFailure, type RestoreRequest } from '../../machines/contract.ts';
import { type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import type { CgroupRecord, ContainerRecord, HookKind, InitRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import { type BeginCreation, type CreationUnderWay, containerProcess, plannedCgroup } from './effects.ts';
import type { FilterOf } from './filter.ts';
import { Phases } from './phases.ts';
import { systemdFor } from './systemd.ts';

export const beginCreation: BeginCreation = (session, filterOf) => new CreationEffects(session, filterOf);

/** So many bytes a socket holds for an init that is not there yet. If it never comes, we must not wait for it. */
const MOST_AHEAD = 32 * 1024;

class CreationEffects implements CreationUnderWay {
  readonly effects: CreationUnderWay['effects'];
  readonly #session: Session;
  /** Answers the container's seccomp filter. `start` will ask for it again. */
  readonly #filterOf: FilterOf;
  readonly #phases = new Phases();
  #cgroup: Awaited<ReturnType<typeof makeCgroup>> | undefined;
  #surroundings: Surroundings | undefined;
  #isLimited: (() => Promise<boolean>) | undefined;
  #group: GroupCreation | undefined;
  #giveBack: (() => void) | undefined;
  /** The init has been asked for its first steps. */
  #isSettled = false;

  constructor(session: Session, filterOf: FilterOf) {
    this.#session = session;
    this.#filterOf = filterOf;
    this.effects = {
      makeCgroup: (record) => this.#perform('cgroup', record, () => this.#makeCgroup(record)),
      enterNamespaces: (record) => this.#perform('namespaces', record, () => this.#enterNamespaces(record)),
      makeMounts: (record) => this.#perform('mounts', record, () => makeMounts(session, record)),
      enterRootfs: (record) => this.#perform('rootfs', record, () => enterRootfs(session, record)),
      prepareProcess: (record) => this.#perform('process', record, () => this.#prepareProcess(record)),
      restore: (record, request) => this.#perform('restore', record, () => this.#restore(record, request)),
    };
  }

  get surroundings(): Surroundings | undefined {
    return this.#surroundings;
  }

  get isLimited(): (() => Promise<boolean>) | undefined {
    return this.#isLimited;
  }

  get group(): GroupCreation | undefined {
    return this.#group;
  }

  giveBack(): void {
    this.#giveBack?.();
  }

  hooks(record: ContainerRecord, kind: HookKind, run: (record: ContainerRecord) => Promise<void>): Promise<void> {
    return this.#perform(`${kind} hooks`, record, () => run(record));
  }

  /**
   * Performs the effect of a phase. Where the kernel ended the init for lack of memory, that is the error, in runc's
   * words, whatever the init was doing.
   */
  async #perform<T>(phase: string, record: ContainerRecord, effect: () => T | Promise<T>): Promise<T> {
    try {
      return await this.#phases.perform(phase, effect);
    } catch (error) {
      const worded = (await oomKilled(this.#session.platform.local, record, error)) ?? error;
      const { explainedError } = await import('./explained.ts');
      throw explainedError(this.#session, record, worded);
    }
  }

  async #makeCgroup(record: ContainerRecord): Promise<CgroupRecord> {
    const session = this.#session;
    const { local } = session.platform;
    const { config, options } = record;
    this.#cgroup = await makeCgroup(local, plannedCgroup(record), {
      id: record.id,
      cgroupsPath: config.linux?.cgroupsPath,
      resources: config.linux?.resources ?? {},
      annotations: record.annotations,
      rootless: options.rootlessCgroups ?? false,
      programs: session.devicePrograms,
      connect: () => systemdFor(session, record),
    });
    if (record.resctrl !== undefined) {
      const { beginGroup } = await import('../../effects/resctrl/creation.ts');
      this.#group = beginGroup(local, record);
      this.#group.make();
    }
    return this.#cgroup.record;
  }

  async #enterNamespaces(record: ContainerRecord): Promise<InitRecord> {
    const session = this.#session;
    const { platform } = session;
    const init = await startInit(
      session,
      record,
      (stage, withoutUnified) => this.#cgroup?.enter(stage, { withoutUnified }, platform),
      (kernel) => this.#askAhead(record, kernel),
    );
    const connected = connectedInit(session);
    session.init = { ...connected, kernel: this.#phases.watch(connected.kernel) };
    await settleUserNamespace(session, record);
    giveCgroup(platform.local, record, init.pid);
    if (Object.keys(record.config.linux?.netDevices ?? {}).length > 0) {
      const { moveNetDevices } = await import('../../effects/namespaces/net-devices/net-devices.ts');
      this.#giveBack = moveNetDevices(platform, record, init.pid);
    }
    this.#group?.add(init.pid);
    if (!this.#isSettled) settleInit(session, record, session.init.kernel, init.pid);
    await this.#cgroup?.complete();
    return init;
  }

  /**
   * Writes what the init is to do first, while the kernel makes its namespaces. Where nothing else comes before that,
   * it is posted at once: the init finds it on its socket when it is born, and does not stand still meanwhile.
   * @param kernel the init's; it is not there yet
   */
  #askAhead(record: ContainerRecord, kernel: Kernel): void {
    const session = this.#session;
    writeMountsAhead(session, record, this.#phases.watch(kernel, 'mounts'));
    const { mounts } = session;
    if (mounts === undefined || mounts.size > MOST_AHEAD || !settlesAlone(record)) return;
    settleInit(session, record, this.#phases.watch(kernel));
    this.#isSettled = true;
    mounts.post();
  }

  async #prepareProcess(record: ContainerRecord): Promise<void> {
    const session = this.#session;
    const { kernel, pid } = connectedInit(session);
    const process = containerProcess(record);
    if (process.terminal) await giveConsole(session, kernel, process);
    await protectRootfs(session, record);
    prepareProcess(kernel, process, {
      local: session.platform.local,
      linux: record.config.linux,
      openFilesLimit: session.inheritance.openFilesLimit,
      limited: inUserNamespace(record.config) ? pid : undefined,
      ahead: session.startsHere
        ? (found) => {
            this.#surroundings = found;
          }
        : undefined,
    });
    // A filter that cannot be compiled fails the creation. What is compiled is kept for `start` and `exec`.
    await this.#filterOf(record);
    await awaitStart(session, record);
    // An init that is left waiting has been disconnected, and a hook of `start` needs its rights.
    if (session.init !== undefined && !inUserNamespace(record.config))
      this.#isLimited = postLimits(session.platform, kernel, process);
    this.#giveBack = undefined;
    this.#group = undefined;
  }

  async #restore(record: ContainerRecord, { restoration }: RestoreRequest): Promise<InitRecord> {
    const { restore } = await import('../../effects/criu/restore.ts');
    const init = await restore(this.#session, record, restoration, (process) => {
      // CRIU's process is prepared in one go.
      void this.#cgroup?.enter(process);
      this.#group?.add(call(process, { name: 'getpid', args: [] }));
    });
    this.#group = undefined;
    return init;
  }
}

async function giveConsole({ platform, inheritance }: Session, init: Kernel, { consoleSize }: Process): Promise<void> {
  await awaitAnswers(platform, init);
  const consoleSocket = consoleDescriptor(inheritance.preserveFds);
  giveTerminal(init, { consoleSocket, size: consoleSize, console: true });
}

/**
 * @returns the error to report instead, where the kernel ended the init for lack of memory; undefined where it did not
 */
async function oomKilled(local: Kernel, { cgroup }: ContainerRecord, error: unknown): Promise<unknown> {
  const { error: cause, during } = error instanceof EarlierFailure ? error : { error, during: undefined };
  if (!wasLost(cause) || cgroup === undefined) return undefined;
  const { oomKills } = await import('../../effects/cgroups/oom-kills.ts');
  if (oomKills(local, cgroup) === 0) return undefined;
  const killed = new EffectError('container init was OOM-killed (memory limit too low?)', { cause });
  return during === undefined ? killed : new EarlierFailure(during, killed);
}

const wasLost = (error: unknown): boolean =>
  error instanceof LostPeerError || (error instanceof EffectError && error.cause instanceof LostPeerError);
