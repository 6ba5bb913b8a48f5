/** Signals to all processes of a container. */

import { close } from '../../native/calls/files.ts';
import { kill, pidfdOpen, pidfdSendSignal } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, sleep, tryRead, tryWrite, writeError } from './files.ts';
import { freeze, isFrozen, thawDying } from './freeze.ts';
import { members } from './members.ts';
import { memberDirectory } from './paths.ts';
import { regaining } from './regain.ts';

/**
 * Sends a signal to every process of the container's cgroup and of those below it. A paused container stays paused,
 * unless the signal is SIGKILL: on v1 a frozen process cannot even die.
 * @throws CgroupError
 */
export function signalAll(kernel: Kernel, record: CgroupRecord, signal: number): void {
  if (signal === SIGNALS.SIGKILL) regaining(kernel, record, () => killOnce(kernel, record));
  else signalEach(kernel, record, signal);
}

/** Those that are born while it goes on are found in the next round. */
const ROUNDS = 10;
/** A descriptor for each at a time. */
const AT_A_TIME = 256;

/**
 * Without stopping them for it: whoever pauses the container at the same time would find it thawed behind their back, and whoever
 * looks at it would find it paused.
 */
function signalEach(kernel: Kernel, record: CgroupRecord, signal: number): void {
  const done = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const found = members(kernel, record).filter((pid) => !done.has(pid));
    if (found.length === 0) return;
    for (let at = 0; at < found.length; at += AT_A_TIME) {
      const pids = found.slice(at, at + AT_A_TIME);
      signalMembers(kernel, record, pids, signal);
      for (const pid of pids) done.add(pid);
    }
  }
}

/** Pids are reused: only who is a member while a descriptor holds them is one for sure. */
function signalMembers(kernel: Kernel, record: CgroupRecord, pids: readonly number[], signal: number): void {
  const { results } = kernel.submit(pids.map((pid) => ({ ...pidfdOpen(pid), mayFail: true as const })));
  try {
    const still = new Set(members(kernel, record));
    const calls = pids.flatMap((pid, at) => {
      const pidfd = results[at] ?? -1;
      if (!still.has(pid)) return [];
      if (pidfd >= 0) return [pidfdSendSignal(pidfd, signal)];
      // A threaded cgroup tells of threads (EINVAL until Linux 6.8, ENOENT since), whose signal is their process's.
      return pidfd === -ERRNO.EINVAL || pidfd === -ERRNO.ENOENT ? [kill(pid, signal)] : [];
    });
    kernel.submit(calls.map((one) => ({ ...one, mayFail: true as const })));
  } finally {
    kernel.submit(results.filter((fd) => fd >= 0).map((fd) => close(fd)));
  }
}

/** Kills those that are there. */
function killOnce(kernel: Kernel, record: CgroupRecord): void {
  // On hybrid a process that is still being moved may be in the v1 hierarchies alone: the list of pids is asked there, too.
  if (killUnified(kernel, record) && record.layout === 'v2') return;
  // Standing still they cannot fork away from the list of pids. Where it fails, most are still reached.
  if (!isFrozen(kernel, record)) quietly(() => freeze(kernel, record));
  try {
    const pids = members(kernel, record);
    kernel.submit(pids.map((pid) => ({ ...kill(pid, SIGNALS.SIGKILL), mayFail: true as const })));
  } finally {
    quietly(() => thawDying(kernel, record));
  }
}

/** Through cgroup.kill (since Linux 5.14). False where it is not there. */
function killUnified(kernel: Kernel, { paths }: CgroupRecord): boolean {
  if (paths.unified === undefined) return false;
  const file = `${paths.unified}/cgroup.kill`;
  const errno = -tryWrite(kernel, file, '1');
  // A threaded cgroup has the file, but refuses.
  if (errno === ERRNO.ENOENT || errno === ERRNO.EOPNOTSUPP || errno === ERRNO.ENODEV) return false;
  if (errno > 0) throw writeError(file, '1', errno);
  return true;
}

function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
  }
}

/** Longer and longer: a look at thousands of cgroups takes its time, too, which is not counted. */
const pauseAfter = (waited: number): number => (waited === 0 ? 0.2 : Math.min(100, Math.max(5, waited / 20)));
const KILL_EVERY_MS = 100;

/**
 * Kills all processes and waits until the cgroup has none: SIGKILL again and again, for those that were being born.
 * @param patience how long to wait, in milliseconds
 * @throws CgroupError where some outlive it
 */
export function killAll(kernel: Kernel, record: CgroupRecord, patience = 10_000): void {
  let kill = 0;
  for (let waited = 0; ; ) {
    if (isEmpty(kernel, record)) return;
    if (waited >= patience) throw outlived(kernel, record, patience);
    if (waited >= kill) {
      signalAll(kernel, record, SIGNALS.SIGKILL);
      kill = waited + KILL_EVERY_MS;
    }
    const pause = pauseAfter(waited);
    sleep(kernel, pause);
    waited += pause;
  }
}

/** v2 tells it of the whole tree at once, also where the container has made cgroups that we may not look into. */
function isEmpty(kernel: Kernel, record: CgroupRecord): boolean {
  const { layout, paths } = record;
  if (layout !== 'v2' || paths.unified === undefined) return members(kernel, record).length === 0;
  const path = `${paths.unified}/cgroup.events`;
  return regaining(kernel, record, () => {
    const text = tryRead(kernel, path);
    if (typeof text === 'string') return !/^populated 1$/m.test(text);
    if (text === -ERRNO.ENOENT || text === -ERRNO.ENODEV) return true;
    throw new CgroupError(`read ${path}`, path, -text);
  });
}

function outlived(kernel: Kernel, record: CgroupRecord, patience: number): CgroupError {
  const left = members(kernel, record);
  const message = `${left.length} process(es) outlived SIGKILL for ${patience} ms: ${left.join(' ')}`;
  return new CgroupError(message, memberDirectory(record) ?? '', 0);
}
