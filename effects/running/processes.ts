/**
 * A container's processes. Its cgroup tells; a rootless container may have none, and is known by its namespaces then:
 * whoever is in the one that was made for it, and their descendants, which may have gone on to namespaces of their own.
 */

import { subdirectories } from '../../native/calls/directory-entries.ts';
import { close } from '../../native/calls/files.ts';
import { pidfdSendSignal } from '../../native/calls/process.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { sleep } from '../../native/calls/sleep.ts';
import { AT } from '../../native/constants/files.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, isErrno } from '../../native/kernel/perform.ts';
import { hasOwnPids } from '../../spec/pids.ts';
import type { CgroupRecord, ContainerRecord, InitRecord } from '../../spec/record.ts';
import { members } from '../cgroups/members.ts';
import { memberDirectory } from '../cgroups/paths.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { findStat, type ProcessStat } from '../paths/proc.ts';
import { isAlive, openInit } from './observe.ts';

/** Whether its cgroup tells who its processes are. */
export const isKnownByCgroup = (cgroup: CgroupRecord | undefined): cgroup is CgroupRecord =>
  cgroup !== undefined && memberDirectory(cgroup) !== undefined;

/** Their pids, as this process sees them. @throws CgroupError */
export function processesOf(local: Kernel, record: ContainerRecord): readonly number[] {
  const { cgroup } = record;
  return isKnownByCgroup(cgroup) ? members(local, cgroup) : withoutCgroup(local, record).map(({ pid }) => pid);
}

/** Those that are born while it goes on are found the next time. A fork bomb is faster than anybody without a cgroup. */
const ROUNDS = 100;
const PAUSE_MS = 5;

/** Sends a signal to all processes of a container that has no cgroup: SIGKILL until there are none. */
export function signalWithoutCgroup(local: Kernel, record: ContainerRecord, signal: number): void {
  // The end of the init is that of its pid namespace.
  const rounds = signal === SIGNALS.SIGKILL && !hasOwnPids(record.config) ? ROUNDS : 1;
  for (let round = 0; round < rounds; round++) {
    // The first one last: without it nobody is found any more.
    const found = withoutCgroup(local, record).toReversed();
    for (const one of found) sendSignal(local, one, signal);
    if (found.length <= 1) return;
    if (round < rounds - 1) sleep(local, PAUSE_MS);
  }
}

function sendSignal(local: Kernel, process: InitRecord, signal: number): void {
  const pidfd = openInit(local, process);
  if (pidfd === undefined) return;
  attempt(local, pidfdSendSignal(pidfd, signal));
  attempt(local, close(pidfd));
}

interface Seen extends ProcessStat {
  readonly pid: number;
  readonly inside: boolean;
}

/** The init first. None where it is gone: nothing else is known of what its namespaces were. */
function withoutCgroup(local: Kernel, { init, config }: ContainerRecord): readonly InitRecord[] {
  if (init === undefined || !isAlive(local, init)) return [];
  const file = hasOwnPids(config) ? 'pid' : makesNamespace(config, 'mount') ? 'mnt' : undefined;
  const namespace = (pid: number) =>
    file === undefined ? undefined : readLink(local, AT.FDCWD, `/proc/${pid}/ns/${file}`);
  // Not everybody may look at an init that waits for its start: it can be one that is not dumpable.
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
  // A chain of parents that is read while processes end and pids are reused could be a circle.
  const passed = new Set<Seen>();
  for (let one: Seen | undefined = process; one !== undefined && !passed.has(one); one = all.get(one.parent)) {
    if (one.inside) return true;
    passed.add(one);
  }
  return false;
}

function tryStat(local: Kernel, pid: number): ProcessStat | undefined {
  try {
    return findStat(local, pid);
  } catch (error) {
    // Hidden by hidepid: somebody else's.
    if (isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
