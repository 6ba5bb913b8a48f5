/** linux.seccomp, as it is loaded. */

import { setModeFilter } from '../../native/calls/seccomp.ts';
import { SECCOMP_FILTER_FLAG } from '../../native/constants/seccomp.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Seccomp } from '../../spec/types.ts';
import { listenerProblem, needsListener } from './actions.ts';
import { filterFlags } from './flags.ts';

export interface CompiledSeccomp {
  /** sock_filter[] */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG of seccomp(2). */
  readonly flags: number;
  /** seccomp(2) gives a descriptor, which belongs to the agent at linux.seccomp.listenerPath (listener.ts). */
  readonly needsListener: boolean;
}

/** What of a filter is no part of its program. @throws Error where the profile asks for what cannot be */
export function loadingOf(local: Kernel, profile: Seccomp): Omit<CompiledSeccomp, 'program'> {
  const problem = listenerProblem(profile);
  if (problem !== undefined) throw new Error(problem);
  return { flags: filterFlags(local, profile), needsListener: needsListener(profile) };
}

/**
 * What the init performs where no agent is asked (else `prepareAgent`): as its last call before execve where no_new_privs is set; otherwise while it still has
 * CAP_SYS_ADMIN, and so before ids and capabilities are dropped.
 */
export const loadCalls = ({ program, flags }: CompiledSeccomp): readonly Call[] => [setModeFilter(flags, program)];

/**
 * The same for a process that no agent hears of (a startContainer hook): what an agent would decide on fails with ENOSYS.
 * With a listener that nobody reads, its execve could wait for ever.
 */
export const loadWithoutAgent = ({ program, flags }: CompiledSeccomp): readonly Call[] => [
  setModeFilter(flags & ~(SECCOMP_FILTER_FLAG.NEW_LISTENER | SECCOMP_FILTER_FLAG.WAIT_KILLABLE_RECV), program),
];
