/**
 * The effects of one command on one container, by the names that the machine knows them by. What most commands do not
 * do is loaded when it is done: making a container (creation.ts), starting its process, changing its limits, CRIU.
 */

import { endCgroup } from '../../effects/cgroups/end.ts';
import { thaw } from '../../effects/cgroups/freeze.ts';
import { connectToInit } from '../../effects/init/connect.ts';
import { startPeer } from '../../effects/init/start-peer.ts';
import type { Surroundings } from '../../effects/process/look-around.ts';
import type { GroupCreation } from '../../effects/resctrl/creation.ts';
import { destroyInit, signalContainer } from '../../effects/running/end.ts';
import { pauseContainer } from '../../effects/running/pause.ts';
import { disconnect, type Session } from '../../effects/session.ts';
import { flush } from '../../native/kernel/perform.ts';
import type { ContainerRecord, HookKind } from '../../spec/record.ts';
import type { CommandEffects } from './container.ts';
import { type FilterOf, filtersFor } from './filter.ts';
import { observe } from './observe.ts';
import { connectSystemd } from './systemd.ts';

type CreationEffect = 'makeCgroup' | 'enterNamespaces' | 'makeMounts' | 'enterRootfs' | 'prepareProcess' | 'restore';

/** What a command that is making the container knows of it, beside its record: `start` and the undoing ask for it. */
export interface CreationUnderWay {
  readonly effects: Pick<CommandEffects, CreationEffect>;
  /** Performs the hooks of a phase. */
  hooks(record: ContainerRecord, kind: HookKind, run: (record: ContainerRecord) => Promise<void>): Promise<void>;
  /** What the process finds around it, where that has been asked for along with its last preparations. */
  readonly surroundings: Surroundings | undefined;
  /** While there is no container yet: the group of resctrl, and how the host gets its network devices back. */
  readonly group: GroupCreation | undefined;
  giveBack(): void;
}

/** How a container is made: creation.ts's `creationOf`. */
export type BeginCreation = (session: Session, filterOf: FilterOf) => CreationUnderWay;

/**
 * @param session of this command with this container: closed by `disconnect` when the command is done
 * @param begin for a command that is about to make the container, and has loaded what it takes with everything else
 */
export function effectsOf(session: Session, begin?: BeginCreation): CommandEffects {
  const { platform } = session;
  const { local } = platform;
  const filterOf = filtersFor(session);
  let creation: CreationUnderWay | undefined;
  const making = async (): Promise<CreationUnderWay['effects']> => {
    creation ??= (begin ?? (await import('./creating.ts')).creationOf)(session, filterOf);
    return creation.effects;
  };
  return {
    makeCgroup: async (record) => (await making()).makeCgroup(record),
    enterNamespaces: async (record) => (await making()).enterNamespaces(record),
    makeMounts: async (record) => (await making()).makeMounts(record),
    enterRootfs: async (record) => (await making()).enterRootfs(record),
    prepareProcess: async (record) => (await making()).prepareProcess(record),
    restore: async (record, request) => (await making()).restore(record, request),
    async runHooks(record, kind) {
      if (kind === 'startContainer') return;
      const run = async (): Promise<void> => {
        // Hooks look at the container from outside.
        if (session.init !== undefined) flush(session.init.kernel);
        const { runHooks } = await import('../../effects/hooks/hooks.ts');
        await runHooks(session, record, kind, session.environment);
      };
      await (creation === undefined ? run() : creation.hooks(record, kind, run));
    },
    async startProcess(record) {
      try {
        session.init ??= connectForStart(session, record);
        const { startProcess } = await import('./starting.ts');
        await startProcess(session, record, session.init.kernel, creation?.surroundings, filterOf);
      } catch (error) {
        // It has given up what a second try would need.
        disconnect(session);
        await destroyInit(platform, record, undefined, session.reaped);
        throw error;
      } finally {
        disconnect(session);
      }
    },
    signal: (record, { signal, all }) => signalContainer(platform, record, signal, all),
    freeze: (record) => pauseContainer(local, plannedCgroup(record), record.init),
    thaw: (record) => thaw(local, plannedCgroup(record)),
    async update(record, request) {
      const { changeInForce } = await import('./updating.ts');
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
        if (record.cgroup !== undefined) await endCgroup(local, record.cgroup, () => connectSystemd(session, record));
      }
    },
  };
}

function connectForStart(session: Session, record: ContainerRecord): NonNullable<Session['init']> {
  const pid = record.init?.pid ?? 0;
  return { ...connectToInit(session, startPeer(session.platform.local, record, pid).connectAs), pid };
}

/** @throws Error for a container on a host without cgroups */
export function plannedCgroup({ cgroup, id }: ContainerRecord): NonNullable<ContainerRecord['cgroup']> {
  if (cgroup === undefined) throw new Error(`container ${id} has no cgroup`);
  return cgroup;
}
