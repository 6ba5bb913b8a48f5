/**
 * The effects of one command on one container, by the names that the machine knows them by. The effects that few
 * commands perform are loaded when they are performed: creation-effects.ts, start-effect.ts, update-effect.ts, CRIU.
 */

import { awaitAnswers } from '../../effects/answers.ts';
import { endCgroup } from '../../effects/cgroups/end.ts';
import { thaw } from '../../effects/cgroups/freeze.ts';
import { connectToInit } from '../../effects/init/connect.ts';
import { startPeer } from '../../effects/init/start-peer.ts';
import { type GroupedProcess, grouped } from '../../effects/process/groups.ts';
import type { Surroundings } from '../../effects/process/look-around.ts';
import type { GroupCreation } from '../../effects/resctrl/creation.ts';
import { destroyInit, signalContainer } from '../../effects/running/end.ts';
import { pauseContainer } from '../../effects/running/pause.ts';
import { disconnect, type Session } from '../../effects/session.ts';
import type { CgroupRecord, ContainerRecord, HookKind } from '../../spec/record.ts';
import type { CommandEffects } from './container.ts';
import { type FilterOf, filtersFor } from './filter.ts';
import { observe } from './observe.ts';
import { systemdFor } from './systemd.ts';

type CreationEffect = 'makeCgroup' | 'enterNamespaces' | 'makeMounts' | 'enterRootfs' | 'prepareProcess' | 'restore';

/** What a command that makes a container knows about it beside the record. `start` and the unwinding need it. */
export interface CreationUnderWay {
  readonly effects: Pick<CommandEffects, CreationEffect>;
  /** Runs the hooks of a phase. */
  hooks(record: ContainerRecord, kind: HookKind, run: (record: ContainerRecord) => Promise<void>): Promise<void>;
  /** What the process finds around it, where that was asked for together with its last preparations. */
  readonly surroundings: Surroundings | undefined;
  /** Waits until the init has limited its rights (early-rights.ts). Undefined where it was not asked to. */
  readonly isLimited: (() => Promise<boolean>) | undefined;
  /** The resctrl group, until the container is created. */
  readonly group: GroupCreation | undefined;
  /** Gives the host its network devices back, until the container is created. */
  giveBack(): void;
}

/** `beginCreation` of creation-effects.ts. */
export type BeginCreation = (session: Session, filterOf: FilterOf) => CreationUnderWay;

/**
 * @param session of this command with this container; `disconnect` ends it when the command is done
 * @param begin given by a command that makes the container, and has loaded creation-effects.ts together with the rest
 */
export function effectsOf(session: Session, begin?: BeginCreation): CommandEffects {
  const { platform } = session;
  const { local } = platform;
  const filterOf = filtersFor(session);
  let creation: CreationUnderWay | undefined;
  const making = async (): Promise<CreationUnderWay['effects']> => {
    creation ??= (begin ?? (await import('./creation-effects.ts')).beginCreation)(session, filterOf);
    return creation.effects;
  };
  return {
    ...loadedEffects(making),
    async runHooks(record, kind) {
      if (kind === 'startContainer') return;
      const run = async (): Promise<void> => {
        // Hooks look at the container from outside: what was posted to the init must be done.
        if (session.init !== undefined) await awaitAnswers(platform, session.init.kernel);
        const { runHooks } = await import('../../effects/hooks/hooks.ts');
        await runHooks(session, record, kind, session.environment);
      };
      await (creation === undefined ? run() : creation.hooks(record, kind, run));
    },
    startProcess: (record) => startProcess(session, record, filterOf, creation),
    signal: (record, { signal, all }) => signalContainer(platform, record, signal, all),
    freeze: (record) => pauseContainer(local, plannedCgroup(record), record.init),
    thaw: (record) => thaw(local, plannedCgroup(record)),
    async update(record, request) {
      const { changeInForce } = await import('./update-effect.ts');
      await changeInForce(session, record, request);
      return request.config;
    },
    async checkpoint(record, request) {
      const { checkpoint } = await import('../../effects/criu/checkpoint.ts');
      await checkpoint(session, record, request, request.options);
    },
    observe: (record) => observe(platform, record),
    async destroyInit(record) {
      const child = session.init?.pid;
      creation?.giveBack();
      disconnect(session);
      await destroyInit(platform, record, child, session.reaped);
    },
    async removeCgroup(record) {
      try {
        if (record.resctrl !== undefined)
          (await import('../../effects/resctrl/creation.ts')).endGroup(local, record.resctrl, creation?.group);
      } finally {
        if (record.cgroup !== undefined) await endCgroup(local, record.cgroup, () => systemdFor(session, record));
      }
    },
  };
}

/** @param making loads and begins the creation, the first time */
const loadedEffects = (making: () => Promise<CreationUnderWay['effects']>): CreationUnderWay['effects'] => ({
  makeCgroup: async (record) => (await making()).makeCgroup(record),
  enterNamespaces: async (record) => (await making()).enterNamespaces(record),
  makeMounts: async (record) => (await making()).makeMounts(record),
  enterRootfs: async (record) => (await making()).enterRootfs(record),
  prepareProcess: async (record) => (await making()).prepareProcess(record),
  restore: async (record, request) => (await making()).restore(record, request),
});

/** Where the process cannot be started, its init is ended: it has given up rights that a second try would need. */
async function startProcess(
  session: Session,
  record: ContainerRecord,
  filterOf: FilterOf,
  creation: CreationUnderWay | undefined,
): Promise<void> {
  try {
    session.init ??= connectForStart(session, record);
    const { becomeProgram } = await import('./start-effect.ts');
    await becomeProgram(session, record, session.init.kernel, filterOf, creation);
  } catch (error) {
    const { explainedError } = await import('./explained.ts');
    const explained = explainedError(session, record, error);
    disconnect(session);
    await destroyInit(session.platform, record, undefined, session.reaped);
    throw explained;
  } finally {
    disconnect(session);
  }
}

function connectForStart(session: Session, record: ContainerRecord): NonNullable<Session['init']> {
  const pid = record.init?.pid ?? 0;
  return { ...connectToInit(session, startPeer(session.platform.local, record, pid).connectAs, pid), pid };
}

/** @throws Error for a container on a host without cgroups */
export function plannedCgroup({ cgroup, id }: ContainerRecord): CgroupRecord {
  if (cgroup === undefined) throw new Error(`container ${id} has no cgroup`);
  return cgroup;
}

/** @throws Error for a container whose config has no process: it can be created, but not started */
export function containerProcess({ config, id }: ContainerRecord): GroupedProcess {
  if (config.process === undefined) throw new Error(`container ${id} has no process`);
  return grouped(config, config.process);
}
