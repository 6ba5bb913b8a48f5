/** The effects of one command on one container, by the names that the machine knows them by. */

import { makeCgroup } from '../effects/cgroups/create.ts';
import { freeze, isFrozen, thaw } from '../effects/cgroups/freeze.ts';
import { checkJoined, joinCalls } from '../effects/cgroups/join.ts';
import { removeCgroup } from '../effects/cgroups/remove.ts';
import { connectToInit } from '../effects/connect.ts';
import { destroyInit, signalContainer } from '../effects/end.ts';
import { awaitStart, initDescriptors, settleInit, startInit } from '../effects/init.ts';
import { hasStarted, isAlive } from '../effects/observe.ts';
import { executeProcess } from '../effects/process/execute.ts';
import { prepareProcess } from '../effects/process/prepare.ts';
import { giveTerminal } from '../effects/process/terminal.ts';
import { enterRootfs, makeMounts, protectRootfs } from '../effects/rootfs/make.ts';
import { connectedInit, disconnect, type Session } from '../effects/session.ts';
import { close } from '../native/calls/files.ts';
import type { Kernel } from '../native/kernel.ts';
import { attempt } from '../native/perform.ts';
import type { Platform } from '../native/platform.ts';
import type { ContainerRecord, Facts } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import type { CommandEffects } from './container.ts';

/** @param session of this command with this container: closed by `disconnect` when the command is done */
export function effectsOf(session: Session): CommandEffects {
  const { platform } = session;
  const { local } = platform;
  const withoutUnified = { withoutUnified: true };
  return {
    makeCgroup: (record) => makeCgroup(local, planned(record), record.config.linux?.resources ?? {}),
    enterNamespaces(record) {
      const init = startInit(session, record, (stage: Kernel) => {
        if (record.cgroup === undefined) return;
        const { results } = stage.submit(joinCalls(record.cgroup, withoutUnified));
        checkJoined(record.cgroup, results, withoutUnified);
      });
      settleInit(session, record);
      return init;
    },
    makeMounts: (record) => makeMounts(session, record),
    runHooks: (_, kind) => {
      throw new Error(`${kind} hooks are not supported yet`);
    },
    enterRootfs: (record) => enterRootfs(session, record),
    prepareProcess(record) {
      const { kernel } = connectedInit(session);
      const process = processOf(record);
      if (process.terminal) {
        const consoleSocket = initDescriptors(session.inheritance.preserveFds).console;
        giveTerminal(kernel, { consoleSocket, size: process.consoleSize, console: true });
      }
      protectRootfs(session, record);
      prepareProcess(kernel, process, session.inheritance.openFilesLimit);
      awaitStart(session);
      disconnect(session);
    },
    async startProcess(record) {
      const init = connectToInit(session);
      try {
        executeProcess(init.kernel, processOf(record), { preserveFds: record.options.preserveFds });
      } catch (error) {
        // It has given up what a second try would need.
        await destroyInit(platform, record);
        throw error;
      } finally {
        attempt(local, close(init.socket));
      }
    },
    signal: (record, { signal, all }) => signalContainer(platform, record, signal, all),
    freeze: (record) => freeze(local, planned(record)),
    thaw: (record) => thaw(local, planned(record)),
    update: unsupported('update'),
    checkpoint: unsupported('checkpoint'),
    restore: unsupported('restore'),
    observe: (record) => observe(platform, record),
    async destroyInit(record) {
      const child = session.init?.pid;
      disconnect(session);
      await destroyInit(platform, record, child);
    },
    removeCgroup(record) {
      if (record.cgroup !== undefined) removeCgroup(local, record.cgroup);
    },
  };
}

export function observe({ local }: Platform, { init, cgroup }: ContainerRecord): Facts {
  if (init === undefined || !isAlive(local, init)) return { init: 'gone', frozen: false, started: false };
  return {
    init: 'alive',
    frozen: cgroup !== undefined && isFrozen(local, cgroup),
    started: hasStarted(local, init),
  };
}

function planned({ cgroup, id }: ContainerRecord): NonNullable<ContainerRecord['cgroup']> {
  if (cgroup === undefined) throw new Error(`container ${id} has no cgroup`);
  return cgroup;
}

function processOf({ config, id }: ContainerRecord): Process {
  if (config.process === undefined) throw new Error(`container ${id} has no process`);
  return config.process;
}

function unsupported(what: string) {
  return (): never => {
    throw new Error(`${what} is not supported yet`);
  };
}
