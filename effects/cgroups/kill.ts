/** Signals to all processes of a container. */

import { kill } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import type { Kernel } from '../../native/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, sleep, tryWrite, writeError } from './files.ts';
import { freeze, isFrozen, thaw } from './freeze.ts';
import { members } from './members.ts';
import { memberDirectory } from './paths.ts';

/**
 * Sends a signal to every process of the container's cgroup and of those below it. A paused container stays paused,
 * unless the signal is SIGKILL: on v1 a frozen process cannot even die.
 * @throws CgroupError
 */
export function signalAll(kernel: Kernel, record: CgroupRecord, signal: number): void {
  const fatal = signal === SIGNALS.SIGKILL;
  // On hybrid a process that is still being moved may be in the v1 hierarchies alone: the list of pids is asked there, too.
  if (fatal && killUnified(kernel, record) && record.layout === 'v2') return;
  const wasFrozen = isFrozen(kernel, record);
  // Standing still they cannot fork away from the list of pids. Where it fails, most are still reached.
  if (!wasFrozen) freezeQuietly(kernel, record);
  try {
    const pids = members(kernel, record);
    kernel.submit(pids.map((pid) => ({ ...kill(pid, signal), mayFail: true as const })));
  } finally {
    if (!wasFrozen || fatal) thawQuietly(kernel, record);
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

function freezeQuietly(kernel: Kernel, record: CgroupRecord): void {
  try {
    freeze(kernel, record);
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
  }
}

function thawQuietly(kernel: Kernel, record: CgroupRecord): void {
  try {
    thaw(kernel, record);
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
  }
}

const POLL_MS = 5;

/**
 * Kills all processes and waits until the cgroup has none: SIGKILL again at each look, for those that were being born.
 * @param patience how long to wait, in milliseconds
 * @throws CgroupError where some outlive it
 */
export function killAll(kernel: Kernel, record: CgroupRecord, patience = 10_000): void {
  for (let waited = 0; ; waited += POLL_MS) {
    const left = members(kernel, record);
    if (left.length === 0) return;
    if (waited >= patience)
      throw new CgroupError(
        `${left.length} process(es) outlived SIGKILL for ${patience} ms: ${left.join(' ')}`,
        memberDirectory(record) ?? '',
        0,
      );
    if (waited % 100 === 0) signalAll(kernel, record, SIGNALS.SIGKILL);
    sleep(kernel, waited === 0 ? 0.2 : POLL_MS);
  }
}
