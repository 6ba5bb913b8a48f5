/** The effects that make a container, by the names that the machine knows them by: loaded by the commands that make one. */

import { type CgroupCreation, makeCgroup } from '../../effects/cgroups/by-driver.ts';
import { giveCgroup } from '../../effects/cgroups/owner.ts';
import { EffectError } from '../../effects/error.ts';
import { awaitStart, consoleDescriptor, settleInit, startInit } from '../../effects/init/start.ts';
import { inUserNamespace } from '../../effects/namespaces/user/mappings.ts';
import { settleUserNamespace } from '../../effects/namespaces/user/settle.ts';
import type { Surroundings } from '../../effects/process/look-around.ts';
import { prepareProcess } from '../../effects/process/prepare.ts';
import { giveTerminal } from '../../effects/process/terminal.ts';
import type { GroupCreation } from '../../effects/resctrl/creation.ts';
import { enterRootfs, makeMounts, protectRootfs, writeMountsAhead } from '../../effects/rootfs/make.ts';
import { connectedInit, type Session } from '../../effects/session.ts';
import { EarlierFailure } from '../../machines/contract.ts';
import { type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { call, flush } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { CommandEffects } from './container.ts';
import { type CreationUnderWay, plannedCgroup } from './effects.ts';
import type { FilterOf } from './filter.ts';
import { phasesOfCreation } from './phases.ts';
import { processOf } from './starting.ts';
import { connectSystemd } from './systemd.ts';

/**
 * @param session of this command with this container
 * @param filterOf its filter, which `start` will ask for again
 */
export function creationOf(session: Session, filterOf: FilterOf): CreationUnderWay {
  const { platform } = session;
  const { local } = platform;
  let cgroup: CgroupCreation | undefined;
  let surroundings: Surroundings | undefined;
  let giveBack: (() => void) | undefined;
  let group: GroupCreation | undefined;
  const phases = phasesOfCreation();

  const makeContainersCgroup: CommandEffects['makeCgroup'] = async (record) => {
    const { config, options } = record;
    cgroup = await makeCgroup(local, plannedCgroup(record), {
      id: record.id,
      cgroupsPath: config.linux?.cgroupsPath,
      resources: config.linux?.resources ?? {},
      annotations: record.annotations,
      rootless: options.rootlessCgroups ?? false,
      programs: session.devicePrograms,
      connect: () => connectSystemd(session, record),
    });
    if (record.resctrl !== undefined) {
      const { beginGroup } = await import('../../effects/resctrl/creation.ts');
      group = beginGroup(local, record);
      group.make();
    }
    return cgroup.record;
  };

  const enterNamespaces: CommandEffects['enterNamespaces'] = async (record) => {
    const init = startInit(
      session,
      record,
      (stage: Kernel, withoutUnified) => cgroup?.enter(stage, { withoutUnified }),
      (init) => writeMountsAhead(session, record, phases.watch(init)),
    );
    const connected = connectedInit(session);
    session.init = { ...connected, kernel: phases.watch(connected.kernel) };
    await settleUserNamespace(session, record);
    giveCgroup(local, record, init.pid);
    if (Object.keys(record.config.linux?.netDevices ?? {}).length > 0) {
      const { moveNetDevices } = await import('../../effects/namespaces/net-devices/net-devices.ts');
      giveBack = moveNetDevices(platform, record, init.pid);
    }
    group?.add(init.pid);
    settleInit(session, record);
    await cgroup?.complete();
    return init;
  };

  const prepare: CommandEffects['prepareProcess'] = async (record) => {
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
    // For its errors, and for `start` and `exec`, which load what is kept of it.
    await filterOf(record);
    awaitStart(session, record);
    giveBack = undefined;
    group = undefined;
  };

  const restore: CommandEffects['restore'] = async (record, { restoration }) => {
    const effect = await import('../../effects/criu/restore.ts');
    const init = await effect.restore(session, record, restoration, (process) => {
      cgroup?.enter(process);
      group?.add(call(process, { name: 'getpid', args: [] }));
    });
    group = undefined;
    return init;
  };

  /** Whatever an init was doing when the kernel ended it for lack of memory, that is the reason, in runc's words. */
  const phase =
    <T>(name: string, effect: (record: ContainerRecord) => T | Promise<T>) =>
    async (record: ContainerRecord): Promise<T> => {
      try {
        return await phases.perform(name, () => effect(record));
      } catch (error) {
        throw (await oomKilled(local, record, error)) ?? error;
      }
    };

  return {
    effects: {
      makeCgroup: makeContainersCgroup,
      enterNamespaces: phase('namespaces', enterNamespaces),
      makeMounts: phase('mounts', (record) => makeMounts(session, record)),
      enterRootfs: phase('rootfs', (record) => enterRootfs(session, record)),
      prepareProcess: phase('process', prepare),
      restore,
    },
    hooks: (record, kind, run) => phase(`${kind} hooks`, run)(record),
    giveBack: () => giveBack?.(),
    get surroundings() {
      return surroundings;
    },
    get group() {
      return group;
    },
  };
}

/** @returns an error in the place of this one, where it is the kernel's having ended the init for lack of memory */
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
