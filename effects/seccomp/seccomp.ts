/** How a compiled filter is loaded. */

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
  /** Whether seccomp(2) returns a descriptor, which is for the agent at linux.seccomp.listenerPath (agent.ts). */
  readonly needsListener: boolean;
}

/** The parts of a filter that are not in its program. @throws Error where the profile asks for what cannot be done */
export function loadingOf(local: Kernel, profile: Seccomp): Omit<CompiledSeccomp, 'program'> {
  const problem = listenerProblem(profile);
  if (problem !== undefined) throw new Error(problem);
  return { flags: filterFlags(local, profile), needsListener: needsListener(profile) };
}

/**
 * What the init performs where no agent is asked (where one is, `prepareAgent` says). Where no_new_privs is set, it is
 * the last call before execve. Otherwise the init must still have CAP_SYS_ADMIN, so the call comes before it drops its
 * ids and capabilities.
 */
export const loadCalls = ({ program, flags }: CompiledSeccomp): readonly Call[] => [setModeFilter(flags, program)];

/**
 * The same for a process that no agent hears of (a startContainer hook). Calls that an agent would decide on fail with
 * ENOSYS. With a listener that nobody reads, the hook's execve could wait for ever.
 */
export const loadWithoutAgent = ({ program, flags }: CompiledSeccomp): readonly Call[] => [
  setModeFilter(flags & ~(SECCOMP_FILTER_FLAG.NEW_LISTENER | SECCOMP_FILTER_FLAG.WAIT_KILLABLE_RECV), program),
];
