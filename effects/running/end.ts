/** Sends signals to a container, and ends it. */

import { pidfdSendSignal } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, succeeded } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { hasOwnPids } from '../../spec/pids.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { CgroupError } from '../cgroups/error.ts';
import { thawDying } from '../cgroups/freeze.ts';
import { killAll, signalAll } from '../cgroups/kill.ts';
import { doing, EffectError, NotRunningError } from '../error.ts';
import { hasNamespace } from '../namespaces/plan.ts';
import { detachFromHost } from '../rootfs/host-mounts.ts';
import { holdInit, openProcess } from './observe.ts';
import { isKnownByCgroup, signalWithoutCgroup } from './processes.ts';
import { type Exited, reapPidfd } from './wait.ts';

/** Long enough for a process that is busy in the kernel; a longer wait would look like a hang. */
const PATIENCE_MS = 10_000;

/**
 * @param all every process of the container's cgroup
 * @throws EffectError `container not running` when the init is gone, as engines expect it
 */
export function signalContainer({ local }: Platform, record: ContainerRecord, signal: number, all: boolean): void {
  if (all) {
    if (isKnownByCgroup(record.cgroup)) signalAll(local, record.cgroup, signal);
    else signalWithoutCgroup(local, record, signal);
    return;
  }
  using init = record.init && holdInit(local, record.init);
  if (init === undefined) throw new NotRunningError();
  const send = pidfdSendSignal(init.fd, signal);
  const sent = attempt(local, send);
  if (sent === -ERRNO.ESRCH) throw new NotRunningError();
  doing(`send signal ${signal} to the container's init`, () => succeeded(send, sent));
  // On cgroup v1 a frozen process dies only once it is thawed.
  if (signal === SIGNALS.SIGKILL && record.cgroup !== undefined && record.cgroup.layout !== 'v2')
    thawDying(local, record.cgroup);
}

/**
 * Ends the init and everything in its cgroup, and waits until they are gone. What is gone already is fine.
 * @param child the init's pid, where the init is a child of this process that the record does not know yet: nobody else
 * gets its pid before it is reaped
 * @param reaped hears how the init ended, where it was a child of this process
 * @throws EffectError
 */
export async function destroyInit(
  platform: Platform,
  record: ContainerRecord,
  child?: Pid,
  reaped?: (exited: Exited) => void,
): Promise<void> {
  const { local } = platform;
  const exited = await endInit(platform, record, child);
  if (exited !== undefined) reaped?.(exited);
  if (record.cgroup !== undefined) killAll(local, record.cgroup);
  if (record.begun.includes('mounts') && record.rootfs !== '' && !hasNamespace(record.config, 'mount'))
    detachFromHost(local, record.rootfs);
}

/** @returns how it ended, where it was a child of this process: otherwise its parent reaps it. @throws EffectError */
async function endInit(platform: Platform, record: ContainerRecord, child?: Pid): Promise<Exited | undefined> {
  const { local } = platform;
  const pid = record.init?.pid ?? child;
  using init = record.init === undefined ? holdChild(platform, child) : holdInit(local, record.init);
  if (init === undefined) return undefined;
  if (!isKnownByCgroup(record.cgroup) && !hasOwnPids(record.config))
    signalWithoutCgroup(local, record, SIGNALS.SIGKILL);
  const kill = pidfdSendSignal(init.fd, SIGNALS.SIGKILL);
  const sent = attempt(local, kill);
  if (sent !== -ERRNO.ESRCH) doing(`kill process ${pid}, the container's init`, () => succeeded(kill, sent));
  if (!(await endsOnceThawed(platform, record, init.fd)))
    throw new EffectError(`process ${pid}, the container's init, does not end after SIGKILL`);
  return reapPidfd(local, init.fd);
}

function holdChild({ local }: Platform, pid: Pid | undefined): Owned | undefined {
  const fd = pid === undefined ? undefined : openProcess(local, pid);
  return fd === undefined ? undefined : new Owned(local, fd);
}

/** How long to wait before the cgroup is thawed again: others in the container may have frozen it anew. */
const THAW_EVERY_MS = 100;

/** @returns whether the init has ended within PATIENCE_MS. @throws CgroupError where it may be frozen still */
async function endsOnceThawed(platform: Platform, { cgroup }: ContainerRecord, init: Fd): Promise<boolean> {
  let failure: CgroupError | undefined;
  for (let waited = 0; waited < PATIENCE_MS; waited += THAW_EVERY_MS) {
    failure = cgroup === undefined ? undefined : failureToThaw(platform, cgroup);
    const [ready = 0] = await platform.poll([{ fd: init, events: POLL.IN }], THAW_EVERY_MS);
    if (ready !== 0) return true;
  }
  if (failure !== undefined) throw failure;
  return false;
}

/** Most processes that are told to die are not frozen. Whether one ends is asked from the process, not its cgroup. */
function failureToThaw({ local }: Platform, cgroup: CgroupRecord): CgroupError | undefined {
  try {
    thawDying(local, cgroup);
    return undefined;
  } catch (error) {
    if (error instanceof CgroupError) return error;
    throw error;
  }
}
