/**
 * A container's cgroup, whoever makes it: this process, or systemd on its behalf. The difference that matters:
 * a scope of systemd's cannot be empty, so it is made once there is a process to be in it.
 *
 * A cgroup's life:
 *
 *   detectLayout (layout.ts)      what the host has
 *   planCgroup (paths.ts)         pure; the plan goes into state.json before anything is made
 *   refuseUsed (create.ts)        before the plan is recorded: see there
 *   makeCgroup, enter, complete   directories and limits, then who is to be in it
 *   changeLimits; freeze.ts, kill.ts, members.ts, stats/, oom.ts
 *   killAll (kill.ts), endCgroup (end.ts)
 */

import type { Kernel } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { doing } from '../error.ts';
import { createCgroup } from './create.ts';
import type { DevicePrograms } from './devices/programs.ts';
import { APPLYING } from './files.ts';
import { checkJoined, type JoinOptions, joinCalls } from './join.ts';
import { updateResources } from './resources.ts';
import { type Connect, withSystemd } from './systemd/with-systemd.ts';

interface CreationRequest {
  readonly id: string;
  readonly cgroupsPath?: string | undefined;
  readonly resources: LinuxResources;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rootless?: boolean;
  readonly programs?: DevicePrograms | undefined;
  /** See `ScopeRequest`. */
  readonly ownerUid?: number;
  readonly connect: Connect;
}

export interface Creation {
  /** What is there, or with systemd, what will be. */
  readonly record: CgroupRecord;
  /**
   * Has a process with a single thread move into the cgroup, by the calls that it performs. With systemd this makes it.
   * @throws CgroupError, EffectError, BusError
   */
  enter(process: Kernel, options?: JoinOptions): void;
  /** Once the init is the only process in it: sets what would have kept it from being made. @throws CgroupError, BusError */
  complete(): Promise<void>;
}

/** In the cgroup at once while the container is made: the stage, the init, and what helps them to a time namespace. */
const MAKERS = 4n;

/** A limit of processes that would not let the container be made comes later. Pure. */
function parted(resources: LinuxResources): { readonly early: LinuxResources; readonly late?: LinuxResources } {
  const { pids, ...early } = resources;
  const limit = pids?.limit === undefined ? -1n : BigInt(pids.limit);
  if (pids === undefined || limit < 0n || limit >= MAKERS) return { early: resources };
  return { early, late: { pids } };
}

/** @param local performs in this process, whose pid namespace that of `enter`'s process is. @throws CgroupError, BusError */
export async function makeCgroup(local: Kernel, record: CgroupRecord, request: CreationRequest): Promise<Creation> {
  const { resources: all, cgroupsPath, connect, programs, ...rest } = request;
  const { early: resources, late } = parted(all);
  const complete = async (made: CgroupRecord) => {
    if (late !== undefined) await changeLimits(local, made, late, {}, connect);
  };
  if (record.driver === 'fs') {
    const options = { rootless: request.rootless === true, explicitPath: Boolean(cgroupsPath), programs };
    const made = createCgroup(local, record, resources, options);
    return { record: made, enter: (process, join) => joinBy(process, made, join), complete: () => complete(made) };
  }
  const { startScope } = await import('./systemd/scope.ts');
  const systemd = await connect();
  return {
    record,
    enter(process, join) {
      try {
        const pid = call(process, { name: 'getpid', args: [] });
        startScope(systemd, local, record, { ...rest, cgroupsPath, resources, pid });
        joinBy(process, record, join);
      } finally {
        systemd.close();
      }
    },
    complete: () => complete(record),
  };
}

function joinBy(process: Kernel, record: CgroupRecord, options: JoinOptions = {}): void {
  const { results } = process.submit(joinCalls(record, options));
  doing(APPLYING, () => checkJoined(record, results, options));
}

/**
 * Changes the limits of a container that is there.
 * @param before the limits in force, to which it returns where it fails
 * @throws CgroupError, BusError
 */
export async function changeLimits(
  local: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  before: LinuxResources,
  connect: Connect,
): Promise<void> {
  if (record.driver === 'fs') return updateResources(local, record, resources);
  const { updateScope } = await import('./systemd/scope.ts');
  await withSystemd(connect, (systemd) => updateScope(systemd, local, record, resources, before));
}
