/**
 * Lists a container's processes. Its cgroup knows them. A rootless container may have no cgroup. Then its processes are
 * those in the namespace that was made for it, and their descendants, which may have gone on to namespaces of their
 * own.
 */

import { subdirectories } from '../../native/calls/directory-entries.ts';
import { pidfdSendSignal } from '../../native/calls/process.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { sleep } from '../../native/calls/sleep.ts';
import { AT } from '../../native/constants/files.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { attempt, isErrno } from '../../native/kernel/perform.ts';
import { hasOwnPids } from '../../spec/pids.ts';
import type { CgroupRecord, ContainerRecord, InitRecord } from '../../spec/record.ts';
import { members } from '../cgroups/members.ts';
import { memberDirectory } from '../cgroups/paths.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { findStat, type ProcessStat } from '../paths/proc.ts';
import { holdInit, isAlive } from './observe.ts';

/** Whether the container's cgroup knows its processes. */
export const isKnownByCgroup = (cgroup: CgroupRecord | undefined): cgroup is CgroupRecord =>
  cgroup !== undefined && memberDirectory(cgroup) !== undefined;

/** The container's processes: their pids, as this process sees them. @throws CgroupError */
export function processesOf(local: Kernel, record: ContainerRecord): readonly Pid[] {
  const { cgroup } = record;
  return isKnownByCgroup(cgroup) ? members(local, cgroup) : withoutCgroup(local, record).map(({ pid }) => pid);
}

/**
 * How often SIGKILL is sent. Each round finds the processes that were born during the one before. A fork bomb can be
 * faster: without a cgroup nobody can end it for certain.
 */
const ROUNDS = 100;
const PAUSE_MS = 5;

/** Sends a signal to all processes of a container that has no cgroup. SIGKILL is sent until no process is left. */
export function signalWithoutCgroup(local: Kernel, record: ContainerRecord, signal: number): void {
  // Where the init has a pid namespace of its own, its end is the end of all processes in there.
  const rounds = signal === SIGNALS.SIGKILL && !hasOwnPids(record.config) ? ROUNDS : 1;
  for (let round = 0; round < rounds; round++) {
    // The init is first in the list, and gets the signal last: without it the others are not found any more.
    const found = withoutCgroup(local, record).toReversed();
    for (const one of found) sendSignal(local, one, signal);
    if (found.length <= 1) return;
    if (round < rounds - 1) sleep(local, PAUSE_MS);
  }
}

function sendSignal(local: Kernel, process: InitRecord, signal: number): void {
  using pidfd = holdInit(local, process);
  if (pidfd !== undefined) attempt(local, pidfdSendSignal(pidfd.fd, signal));
}

interface Seen extends ProcessStat {
  readonly pid: Pid;
  /** It is the init, or in the namespace that was made for the container. */
  readonly inside: boolean;
}

/** The init comes first. The list is empty where the init is gone: nothing else says which namespaces were its own. */
function withoutCgroup(local: Kernel, { init, config }: ContainerRecord): readonly InitRecord[] {
  if (init === undefined || !isAlive(local, init)) return [];
  const file = hasOwnPids(config) ? 'pid' : makesNamespace(config, 'mount') ? 'mnt' : undefined;
  const namespace = (pid: Pid) =>
    file === undefined ? undefined : readLink(local, AT.FDCWD, `/proc/${pid}/ns/${file}`);
  // An init that waits for `start` may not be dumpable: not everybody may look at it, and then this is undefined.
  const own = namespace(init.pid);
  const seen = new Map<number, Seen>();
  for (const name of subdirectories(local, '/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const stat = tryStat(local, pid);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') continue;
    const inside = pid === init.pid || (own !== undefined && namespace(pid) === own);
    seen.set(pid, { ...stat, pid, inside });
  }
  return [...seen.values()]
    .filter((one) => hasAncestorInside(one, seen))
    .sort((a, b) => Number(b.pid === init.pid) - Number(a.pid === init.pid))
    .map(({ pid, startTime }) => ({ pid, startTime }));
}

function hasAncestorInside(process: Seen, all: ReadonlyMap<number, Seen>): boolean {
  // Processes end and pids are used again while we read. So the chain of parents could be a circle.
  const passed = new Set<Seen>();
  for (let one: Seen | undefined = process; one !== undefined && !passed.has(one); one = all.get(one.parent)) {
    if (one.inside) return true;
    passed.add(one);
  }
  return false;
}

function tryStat(local: Kernel, pid: Pid): ProcessStat | undefined {
  try {
    return findStat(local, pid);
  } catch (error) {
    // procfs is mounted with hidepid, and this is somebody else's process.
    if (isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
