/** Sends signals to all processes of a container, and kills them. */

import { kill, pidfdOpen, pidfdSendSignal } from '../../native/calls/process.ts';
import { sleep } from '../../native/calls/sleep.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { Owned, OwnedStack } from '../../native/kernel/owned.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, CgroupFileError, isGone, writeError } from './error.ts';
import { tryRead, tryWrite } from './files.ts';
import { freeze, isFrozen, thawDying } from './freeze.ts';
import { members } from './members.ts';
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

/** The next round finds the processes that were born during the last one. */
const ROUNDS = 10;
/** How many processes it holds by a descriptor at a time. */
const AT_A_TIME = 256;

/**
 * Does not freeze the processes for it. Somebody who pauses the container at the same time would find it thawed again,
 * and somebody who looks at it would take it for paused.
 */
function signalEach(kernel: Kernel, record: CgroupRecord, signal: number): void {
  const done = new Set<Pid>();
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

/**
 * Sends a signal to those of the pids that are members. A pid may be reused at any time, so a process is a member for
 * sure only if the cgroup lists its pid while a descriptor holds it.
 */
function signalMembers(kernel: Kernel, record: CgroupRecord, pids: readonly Pid[], signal: number): void {
  using pidfds = new OwnedStack();
  const opening = new Batch();
  const opened = pids.map((pid) => ({ pid, opened: opening.try(pidfdOpen(pid)) }));
  const { results } = kernel.submit(opening.calls);
  const held = opened.map(({ pid, opened }) => ({ pid, pidfd: resultOf(results, opened) }));
  for (const { pidfd } of held) if (pidfd >= 0) pidfds.use(new Owned(kernel, pidfd));
  const still = new Set(members(kernel, record));
  const signals = new Batch();
  for (const { pid, pidfd } of held) {
    if (!still.has(pid)) continue;
    if (pidfd >= 0) signals.try(pidfdSendSignal(pidfd, signal));
    // A threaded cgroup lists threads, for which there is no pidfd (EINVAL until Linux 6.8, ENOENT since). A signal to
    // a thread's id goes to its process.
    else if (pidfd === -ERRNO.EINVAL || pidfd === -ERRNO.ENOENT) signals.try(kill(pid, signal));
  }
  kernel.submit(signals.calls);
}

/** Kills the processes that are there now. */
function killOnce(kernel: Kernel, record: CgroupRecord): void {
  // On a hybrid host a process that is still being moved may be in the v1 hierarchies alone, so their pids are killed
  // too.
  if (killUnified(kernel, record) && record.layout === 'v2') return;
  // Frozen processes cannot fork while their pids are listed. If the freeze fails, most of them are reached all the
  // same.
  if (!isFrozen(kernel, record)) quietly(() => freeze(kernel, record));
  try {
    const pids = members(kernel, record);
    kernel.submit(pids.map((pid) => ({ ...kill(pid, SIGNALS.SIGKILL), mayFail: true as const })));
  } finally {
    quietly(() => thawDying(kernel, record));
  }
}

/** Kills by cgroup.kill (since Linux 5.14). @returns false where that is not there, or refuses */
function killUnified(kernel: Kernel, { paths }: CgroupRecord): boolean {
  if (paths.unified === undefined) return false;
  const file = `${paths.unified}/cgroup.kill`;
  const errno = -tryWrite(kernel, file, '1');
  // A threaded cgroup has the file, and refuses to kill (EOPNOTSUPP).
  if (isGone(-errno) || errno === ERRNO.EOPNOTSUPP) return false;
  if (errno > 0) throw writeError(file, '1', errno);
  return true;
}

/** Lets an error of cgroups go. */
function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
  }
}

/**
 * Pauses, in milliseconds, that become longer: to look at thousands of cgroups takes time too, which is not counted.
 */
const pauseAfter = (waited: number): number => (waited === 0 ? 0.2 : Math.min(100, Math.max(5, waited / 20)));
const KILL_EVERY_MS = 100;

/**
 * Kills all processes and waits until the cgroup has none. It sends SIGKILL again and again, since new processes may
 * have been born meanwhile.
 * @param patience how long to wait, in milliseconds
 * @throws CgroupError where some of them outlive it
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

/** cgroup.events of v2 speaks for the whole tree, even for cgroups that the container made and that we may not read. */
function isEmpty(kernel: Kernel, record: CgroupRecord): boolean {
  const { layout, paths } = record;
  if (layout !== 'v2' || paths.unified === undefined) return members(kernel, record).length === 0;
  const path = `${paths.unified}/cgroup.events`;
  return regaining(kernel, record, () => {
    const text = tryRead(kernel, path);
    if (typeof text === 'string') return !/^populated 1$/m.test(text);
    if (isGone(text)) return true;
    throw new CgroupFileError(`read ${path}`, path, -text);
  });
}

function outlived(kernel: Kernel, record: CgroupRecord, patience: number): CgroupError {
  const left = members(kernel, record);
  const message = `${left.length} process(es) outlived SIGKILL for ${patience} ms: ${left.join(' ')}`;
  return new CgroupError(message);
}
