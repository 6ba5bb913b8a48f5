/**
 * The process's personality, and how willingly the kernel ends the process when memory runs out. All that the process
 * starts inherits both.
 */

import { close, openat, write } from '../../native/calls/files.ts';
import { prctl } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Personality } from '../../spec/config/linux/tuning.ts';
import type { PartedBatch } from '../batch.ts';

/** linux/personality.h. */
const PER = { LINUX: 0, LINUX32: 8 } as const;

/**
 * Sets the personality(2): under LINUX32, uname(2) names the 32-bit machine. To be performed before the seccomp filter
 * is loaded, which may forbid it.
 */
export const personalityCalls = (personality: Personality | undefined): readonly Call[] =>
  personality === undefined ? [] : [{ name: 'personality', args: [PER[personality.domain ?? 'LINUX']] }];

/**
 * Adds: set the stage's proc_pid_oom_score_adj(5), which its children inherit. The stage does it before it joins
 * anything: in another mount or user namespace it could not reach or write the file.
 * @param score -1000 to 1000; undefined leaves it as it is. Below the runtime's own score it takes CAP_SYS_RESOURCE
 */
export function addOomScore(batch: PartedBatch, score: number | undefined): void {
  if (score === undefined) return;
  batch.add(prctl(PR.SET_DUMPABLE, 1));
  const file = batch.add(openat(AT.FDCWD, '/proc/self/oom_score_adj', O.WRONLY));
  batch.add(write(file, String(score)));
  batch.add(close(file));
  batch.add(prctl(PR.SET_DUMPABLE, 0));
  batch.part(`set oomScoreAdj to ${score}`);
}
