/** How the kernel appears to the process, and how dear the process is to it. Both are inherited by all that it starts. */

import { close, openat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel.ts';
import { perform } from '../../native/perform.ts';
import { result } from '../../native/struct.ts';
import type { Personality } from '../../spec/config/linux/tuning.ts';
import { doing } from '../error.ts';

/** linux/personality.h. */
const PER = { LINUX: 0, LINUX32: 8 } as const;

/** personality(2): under LINUX32, uname(2) tells of the 32-bit machine. Before the seccomp filter, which may forbid it. */
export const personalityCalls = (personality: Personality | undefined): readonly Call[] =>
  personality === undefined ? [] : [{ name: 'personality', args: [PER[personality.domain ?? 'LINUX']] }];

/**
 * proc_pid_oom_score_adj(5).
 * @param pid as the runtime sees it: no procfs of the container's is needed
 * @param score undefined leaves it as it is
 * @throws EffectError; to go below what the runtime itself has takes CAP_SYS_RESOURCE
 */
export function setOomScore(local: Kernel, pid: number, score: number | undefined): void {
  if (score === undefined) return;
  const path = `/proc/${pid}/oom_score_adj`;
  doing(`set oomScoreAdj to ${score}`, () =>
    perform(local, [openat(AT.FDCWD, path, O.WRONLY), write(result(0), String(score)), close(result(0))]),
  );
}
