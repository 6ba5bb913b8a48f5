/** Signals to a container, and its end. */

import { close } from '../../native/calls/files.ts';
import { pidfdSendSignal } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { POLL } from '../../native/constants/socket.ts';
import { attempt, SyscallError } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { hasOwnPids } from '../../spec/pids.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { thawDying } from '../cgroups/freeze.ts';
import { killAll, signalAll } from '../cgroups/kill.ts';
import { EffectError, reasonOf } from '../error.ts';
import { hasNamespace } from '../namespaces/plan.ts';
import { detachFromHost } from '../rootfs/host-mounts.ts';
import { openInit, openProcess } from './observe.ts';
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
  const init = record.init === undefined ? undefined : openInit(local, record.init);
  if (init === undefined) throw new EffectError('container not running');
  const sent = attempt(local, pidfdSendSignal(init, signal));
  attempt(local, close(init));
  if (sent === -ERRNO.ESRCH) throw new EffectError('container not running');
  if (sent < 0)
    throw new EffectError(
      `send signal ${signal} to the container's init: ${reasonOf(new SyscallError(pidfdSendSignal(0, signal), -sent))}`,
    );
  // On cgroup v1 a frozen process dies only once it is thawed.
  if (signal === SIGNALS.SIGKILL && record.cgroup !== undefined && record.cgroup.layout !== 'v2')
    thawDying(local, record.cgroup);
}

/**
 * Ends the init and everything in its cgroup, and waits until they are gone. What is gone already is fine.
 * @param child the init's pid where it is a child of this process that the record does not know yet: as long as it has
 * not been waited for, nobody else gets its pid
 * @param reaped is told how an init ended that is a child of this process
 * @throws EffectError
 */
export async function destroyInit(
  platform: Platform,
  record: ContainerRecord,
  child?: number,
  reaped?: (exited: Exited) => void,
): Promise<void> {
  const { local } = platform;
  const pid = record.init?.pid ?? child;
  const init =
    record.init !== undefined
      ? openInit(local, record.init)
      : child === undefined
        ? undefined
        : openProcess(local, child);
  if (init !== undefined) {
    try {
      if (!isKnownByCgroup(record.cgroup) && !hasOwnPids(record.config))
        signalWithoutCgroup(local, record, SIGNALS.SIGKILL);
      const sent = attempt(local, pidfdSendSignal(init, SIGNALS.SIGKILL));
      if (sent < 0 && sent !== -ERRNO.ESRCH)
        throw new EffectError(
          `kill process ${pid}, the container's init: ${reasonOf(new SyscallError(pidfdSendSignal(init, SIGNALS.SIGKILL), -sent))}`,
        );
      if (!(await hasEnded(platform, record, init)))
        throw new EffectError(`process ${pid}, the container's init, does not end after SIGKILL`);
      // Only our own child can be reaped, and only if its parent is this process; otherwise its parent does.
      const exited = reapPidfd(local, init);
      if (exited !== undefined) reaped?.(exited);
    } finally {
      attempt(local, close(init));
    }
  }
  if (record.cgroup !== undefined) killAll(local, record.cgroup);
  if (record.begun.includes('mounts') && record.rootfs !== '' && !hasNamespace(record.config, 'mount'))
    detachFromHost(local, record.rootfs);
}

/** How long to wait before it is thawed again: others in the container may freeze it anew. */
const THAW_EVERY_MS = 100;

async function hasEnded(platform: Platform, { cgroup }: ContainerRecord, init: number): Promise<boolean> {
  for (let waited = 0; waited < PATIENCE_MS; waited += THAW_EVERY_MS) {
    if (cgroup !== undefined) thawDying(platform.local, cgroup);
    const [ready = 0] = await platform.poll([{ fd: init, events: POLL.IN }], THAW_EVERY_MS);
    if (ready !== 0) return true;
  }
  return false;
}
