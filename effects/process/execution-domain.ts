/** How the kernel appears to the process, and how dear the process is to it. Both are inherited by all that it starts. */

import { close, openat, write } from '../../native/calls/files.ts';
import { prctl } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Personality } from '../../spec/config/linux/tuning.ts';
import type { PartedBatch } from '../batch.ts';

/** linux/personality.h. */
const PER = { LINUX: 0, LINUX32: 8 } as const;

/** personality(2): under LINUX32, uname(2) tells of the 32-bit machine. Before the seccomp filter, which may forbid it. */
export const personalityCalls = (personality: Personality | undefined): readonly Call[] =>
  personality === undefined ? [] : [{ name: 'personality', args: [PER[personality.domain ?? 'LINUX']] }];

/**
 * Adds, for the stage, whose children inherit it: proc_pid_oom_score_adj(5). Before it joins anything: another procfs, or
 * another user's rights, would not let it.
 * @param score undefined leaves it as it is. To go below what the runtime itself has takes CAP_SYS_RESOURCE
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
