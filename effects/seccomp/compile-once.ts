/**
 * Turns a profile into its filter, and compiles it only where that has not been done before: libseccomp takes 3 to 14
 * ms for docker's default profile.
 */

import { NATIVE_ARCH } from '../../native/constants/seccomp.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { LibSeccomp } from '../../native/libraries/libseccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { cacheKey, readCached, writeCached } from './cache.ts';
import { compileProgram } from './compile.ts';
import { unknownCalls } from './newer-calls.ts';
import { type CompiledSeccomp, loadingOf } from './seccomp.ts';

interface SeccompContext {
  /** This process's kernel. */
  readonly local: Kernel;
  /** Loads the library, or says why it cannot. */
  readonly library: () => LibSeccomp;
  /** Where compiled programs are kept (cache.ts). Without it they are not kept. */
  readonly cacheFolder?: string;
  /** Hears of names that are no system calls. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** @throws Error where the profile asks for what cannot be done, or libseccomp is not there */
export function compileSeccomp(
  { local, library, cacheFolder, warn }: SeccompContext,
  profile: Seccomp,
): CompiledSeccomp {
  const loading = loadingOf(local, profile);
  const loaded = library();
  const key = cacheFolder === undefined ? undefined : cacheKey(local, loaded, profile);
  let program = key && cacheFolder ? readCached(local, cacheFolder, key) : undefined;
  if (program === undefined) {
    const unknown: string[] = [];
    program = compileProgram(local, loaded, profile, NATIVE_ARCH, unknown);
    const warning = unknownCalls(unknown);
    if (warning !== undefined) warn?.(warning);
    if (key && cacheFolder) writeCached(local, cacheFolder, key, program);
  }
  return { ...loading, program };
}
