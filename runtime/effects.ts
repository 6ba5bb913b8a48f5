/** The effects of one command on one container, by the names that the machine knows them by. */

import { type Creation, endCgroup, makeCgroup } from '../effects/cgroups/by-driver.ts';
import { freeze, thaw } from '../effects/cgroups/freeze.ts';
import { connectToInit } from '../effects/connect.ts';
import { destroyInit, signalContainer } from '../effects/end.ts';
import { awaitStart, consoleDescriptor, settleInit, startInit } from '../effects/init.ts';
import { executeProcess, giveUpRights, planExecution } from '../effects/process/execute.ts';
import type { Surroundings } from '../effects/process/look-around.ts';
import { prepareProcess } from '../effects/process/prepare.ts';
import { giveTerminal } from '../effects/process/terminal.ts';
import type { GroupCreation } from '../effects/resctrl/creation.ts';
import { enterRootfs, makeMounts, planMountsAhead, protectRootfs } from '../effects/rootfs/make.ts';
import { connectedInit, disconnect, type Session } from '../effects/session.ts';
import { settleUserNamespace } from '../effects/user-namespace.ts';
import { giveCgroup } from '../effects/userns/cgroup-owner.ts';
import { inUserNamespace } from '../effects/userns/mappings.ts';
import { groupsDenied } from '../effects/userns/read-mappings.ts';
import type { Kernel } from '../native/kernel.ts';
import { call, flush } from '../native/perform.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import type { CommandEffects } from './container.ts';
import { observe } from './observe.ts';
import { connectSystemd } from './systemd.ts';

/** @param session of this command with this container: closed by `disconnect` when the command is done */
export function effectsOf(session: Session): CommandEffects {
  const { platform } = session;
  const { local } = platform;
  let creation: Creation | undefined;
  let surroundings: Surroundings | undefined;
  /** While there is no container yet. */
  let giveBack: (() => void) | undefined;
  let group: GroupCreation | undefined;
  return {
    async makeCgroup(record) {
      const { config, options } = record;
      creation = await makeCgroup(local, planned(record), {
        id: record.id,
        cgroupsPath: config.linux?.cgroupsPath,
        resources: config.linux?.resources ?? {},
        annotations: record.annotations,
        rootless: options.rootlessCgroups ?? false,
        programs: session.devicePrograms,
        connect: () => connectSystemd(session, record),
      });
      if (record.resctrl !== undefined) {
        const { beginGroup } = await import('../effects/resctrl/creation.ts');
        group = beginGroup(local, record);
        group.make();
      }
      return creation.record;
    },
    async enterNamespaces(record) {
      const init = startInit(
        session,
        record,
        (stage: Kernel, withoutUnified) => creation?.enter(stage, { withoutUnified }),
        () => planMountsAhead(session, record),
      );
      await settleUserNamespace(session, record);
      giveCgroup(local, record, init.pid);
      if (Object.keys(record.config.linux?.netDevices ?? {}).length > 0) {
        const { moveNetDevices } = await import('../effects/net-devices/net-devices.ts');
        giveBack = moveNetDevices(platform, record, init.pid);
      }
      group?.add(init.pid);
      settleInit(session, record);
      await creation?.complete();
      return init;
    },
    makeMounts: (record) => makeMounts(session, record),
    runHooks: async (record, kind) => {
      if (kind === 'startContainer') return;
      // Hooks look at the container from outside.
      if (session.init !== undefined) flush(session.init.kernel);
      const { runHooks } = await import('../effects/hooks/hooks.ts');
      await runHooks(session, record, kind, session.environment);
    },
    enterRootfs: (record) => enterRootfs(session, record),
    async prepareProcess(record) {
      const { kernel, pid } = connectedInit(session);
      const process = processOf(record);
      if (process.terminal) {
        flush(kernel);
        const consoleSocket = consoleDescriptor(session.inheritance.preserveFds);
        giveTerminal(kernel, { consoleSocket, size: process.consoleSize, console: true });
      }
      protectRootfs(session, record);
      prepareProcess(kernel, process, {
        local,
        linux: record.config.linux,
        openFilesLimit: session.inheritance.openFilesLimit,
        limited: inUserNamespace(record.config) ? pid : undefined,
        ahead: session.startsAtOnce
          ? (found) => {
              surroundings = found;
            }
          : undefined,
      });
      // For its errors, and for its cache.
      await compiledFilter(session, record);
      awaitStart(session, record);
      giveBack = undefined;
      group = undefined;
    },
    async startProcess(record) {
      try {
        session.init ??= { ...connectToInit(session), pid: record.init?.pid ?? 0 };
        await startProcess(session, record, session.init.kernel, surroundings);
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
    freeze: (record) => freeze(local, planned(record)),
    thaw: (record) => thaw(local, planned(record)),
    update: unsupported('update'),
    async checkpoint(record, request) {
      const { checkpoint } = await import('../effects/criu/checkpoint.ts');
      await checkpoint(session, record, request, needed(session.checkpoint));
    },
    async restore(record) {
      const { restore } = await import('../effects/criu/restore.ts');
      const init = await restore(session, record, needed(session.restoration), (process) => {
        creation?.enter(process);
        group?.add(call(process, { name: 'getpid', args: [] }));
      });
      group = undefined;
      return init;
    },
    observe: (record) => observe(platform, record),
    async destroyInit(record) {
      const child = session.init?.pid;
      giveBack?.();
      disconnect(session);
      await destroyInit(platform, record, child, session.reaped);
    },
    async removeCgroup(record) {
      try {
        if (record.resctrl !== undefined)
          (await import('../effects/resctrl/creation.ts')).endGroup(local, record.resctrl, group);
      } finally {
        if (record.cgroup !== undefined) await endCgroup(local, record.cgroup, () => connectSystemd(session, record));
      }
    },
  };
}

/** @param surroundings where they have been asked for just before */
async function startProcess(
  session: Session,
  record: ContainerRecord,
  kernel: Kernel,
  surroundings: Surroundings | undefined,
): Promise<void> {
  const { preserveFds } = record.options;
  const execution = planExecution(kernel, processOf(record), hasGroupsDenied(session, record), surroundings);
  const compiled = await compiledFilter(session, record);
  if ((record.config.hooks?.startContainer?.length ?? 0) > 0) {
    const { runStartContainerHooks } = await import('../effects/hooks/hooks.ts');
    const rights = giveUpRights(execution, compiled?.withoutAgent ?? []);
    await runStartContainerHooks(session, record, kernel, execution.env, rights);
  }
  const filter = compiled?.prepare(kernel);
  try {
    executeProcess(kernel, execution, { preserveFds, filter: filter?.calls ?? [] });
  } finally {
    filter?.release();
  }
}

/** For `start` and `exec`: the init is there. */
function hasGroupsDenied({ platform }: Session, { config, init }: ContainerRecord): boolean {
  return inUserNamespace(config) && init !== undefined && groupsDenied(platform.local, init.pid);
}

/** Few containers without an engine have a profile: what it takes is loaded for those that do. */
async function compiledFilter(session: Session, record: ContainerRecord) {
  if (record.config.linux?.seccomp === undefined) return undefined;
  const { filterOf } = await import('../effects/seccomp/container.ts');
  return filterOf(session, record);
}

function planned({ cgroup, id }: ContainerRecord): NonNullable<ContainerRecord['cgroup']> {
  if (cgroup === undefined) throw new Error(`container ${id} has no cgroup`);
  return cgroup;
}

function processOf({ config, id }: ContainerRecord): Process {
  if (config.process === undefined) throw new Error(`container ${id} has no process`);
  return config.process;
}

function needed<T>(options: T | undefined): T {
  if (options === undefined) throw new Error('this command has no options for CRIU');
  return options;
}

function unsupported(what: string) {
  return (): never => {
    throw new Error(`${what} is not supported yet`);
  };
}
