/**
 * Makes a container's cgroup and changes its limits, by this process or by systemd. The difference that matters: a
 * scope of systemd's cannot be empty, so systemd makes it when there is a process to put into it.
 *
 * A cgroup's life:
 *
 *   detectLayout (layout.ts)      what the host has
 *   planCgroup (plan.ts)          pure; the plan goes into state.json before anything is made
 *   refuseUsed (create.ts)        refuses a cgroup in use, before the plan is recorded
 *   makeCgroup, enter, complete   makes directories and limits, lets processes in, sets the last limits
 *   changeLimits; freeze.ts, kill.ts, members.ts, stats/, oom.ts
 *   killAll (kill.ts), endCgroup (end.ts)
 */

import type { Kernel, Outcome } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { submitAwaited, type Waiting } from '../answers.ts';
import { doing } from '../error.ts';
import { createCgroup } from './create.ts';
import type { DevicePrograms } from './devices/programs.ts';
import { APPLYING } from './error.ts';
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
  /** The user who is to own the cgroup: see `ScopeRequest`. */
  readonly ownerUid?: number;
  readonly connect: Connect;
}

export interface CgroupCreation {
  /** The cgroup that is there, or with systemd, that will be there. */
  readonly record: CgroupRecord;
  /**
   * Moves a process with a single thread into the cgroup, by calls that the process performs. With systemd, this is
   * what makes the cgroup.
   * @param waiting with `answers`, the process's answer is awaited: then a promise is returned
   * @throws CgroupError, EffectError, BusError
   */
  enter(process: Kernel, options?: JoinOptions, waiting?: Waiting): void | Promise<void>;
  /**
   * Sets the limits that would have kept the container from being made. To be called when the init is the only process
   * in the cgroup.
   * @throws CgroupError, BusError
   */
  complete(): Promise<void>;
}

/**
 * How many processes are in the cgroup at most while a container is made: the stage, the init, a time namespace's
 * helpers.
 */
const MAKERS = 4n;

/** Sets apart a limit of processes that is too low for making the container: it comes later. Pure. */
function parted(resources: LinuxResources): { readonly early: LinuxResources; readonly late?: LinuxResources } {
  const { pids, ...early } = resources;
  const limit = pids?.limit === undefined ? -1n : BigInt(pids.limit);
  if (pids === undefined || limit < 0n || limit >= MAKERS) return { early: resources };
  return { early, late: { pids } };
}

/**
 * Makes the cgroup, or with systemd prepares to make it.
 * @param local performs in this process, which has the same pid namespace as the process of `enter`
 * @throws CgroupError, BusError
 */
export async function makeCgroup(
  local: Kernel,
  record: CgroupRecord,
  request: CreationRequest,
): Promise<CgroupCreation> {
  const { resources: all, cgroupsPath, connect, programs, ...rest } = request;
  const { early: resources, late } = parted(all);
  const complete = async (made: CgroupRecord) => {
    if (late !== undefined) await changeLimits(local, made, late, {}, connect);
  };
  if (record.driver === 'fs') {
    const options = { rootless: request.rootless === true, explicitPath: Boolean(cgroupsPath), programs };
    const made = createCgroup(local, record, resources, options);
    return {
      record: made,
      enter: (process, join, waiting) => joinBy(process, made, join, waiting),
      complete: () => complete(made),
    };
  }
  const { startScope } = await import('./systemd/scope.ts');
  const systemd = await connect();
  return {
    record,
    enter(process, join) {
      try {
        const pid = call(process, { name: 'getpid', args: [] });
        startScope(systemd, local, record, { ...rest, cgroupsPath, resources, pid });
        void joinBy(process, record, join);
      } finally {
        systemd.close();
      }
    },
    complete: () => complete(record),
  };
}

function joinBy(
  process: Kernel,
  record: CgroupRecord,
  options: JoinOptions = {},
  waiting: Waiting = {},
): void | Promise<void> {
  const calls = joinCalls(record, options);
  const check = ({ results }: Outcome): void => doing(APPLYING, () => checkJoined(record, results, options));
  if (waiting.answers === undefined) return check(process.submit(calls));
  return submitAwaited(waiting, process, calls).then(check);
}

/**
 * Changes the limits of a container.
 * @param before the limits in force, which are set again if the change fails
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
