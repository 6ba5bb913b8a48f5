/** linux.seccomp, from the profile to the calls that load it. */

import { setModeFilter } from '../../native/calls/seccomp.ts';
import { NATIVE_ARCH, SECCOMP_FILTER_FLAG } from '../../native/constants/seccomp.ts';
import type { Call, Kernel } from '../../native/kernel.ts';
import type { LibSeccomp } from '../../native/libseccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { listenerProblem, needsListener } from './actions.ts';
import { cacheKey, readCached, writeCached } from './cache.ts';
import { compileProgram } from './compile.ts';
import { filterFlags } from './flags.ts';

export interface CompiledSeccomp {
  /** sock_filter[] */
  readonly program: Uint8Array;
  /** SECCOMP_FILTER_FLAG of seccomp(2). */
  readonly flags: number;
  /** seccomp(2) gives a descriptor, which belongs to the agent at linux.seccomp.listenerPath (listener.ts). */
  readonly needsListener: boolean;
}

export interface SeccompContext {
  /** This process's kernel. */
  readonly local: Kernel;
  /** Loads the library, or says why it cannot. */
  readonly library: () => LibSeccomp;
  /** Where compiled programs are kept, see cache.ts; nowhere when absent. */
  readonly cacheFolder?: string;
  /** Compiled already, for this very profile. */
  readonly program?: Uint8Array | undefined;
}

/** Docker's default profile takes libseccomp 3 to 14 ms, so its program is kept. @throws Error */
export function compileSeccomp(context: SeccompContext, profile: Seccomp): CompiledSeccomp {
  const problem = listenerProblem(profile);
  if (problem !== undefined) throw new Error(problem);
  return {
    flags: filterFlags(context.local, profile),
    program: context.program ?? compiledOnce(context, profile),
    needsListener: needsListener(profile),
  };
}

function compiledOnce({ local, cacheFolder, ...context }: SeccompContext, profile: Seccomp): Uint8Array {
  const library = context.library();
  const key = cacheFolder === undefined ? undefined : cacheKey(local, library, profile);
  const cached = key && cacheFolder ? readCached(local, cacheFolder, key) : undefined;
  if (cached !== undefined) return cached;
  const program = compileProgram(local, library, profile, NATIVE_ARCH);
  if (key && cacheFolder) writeCached(local, cacheFolder, key, program);
  return program;
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
