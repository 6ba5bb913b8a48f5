/** Stages to load filters in, and compiling for them. */

import { compileSeccomp } from '../../../effects/seccomp/compile-once.ts';
import { initProgram } from '../../../native/init/program.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Libc } from '../../../native/libraries/libc.ts';
import { loadLibSeccomp } from '../../../native/libraries/libseccomp.ts';
import { spawnStage } from '../../../native/stage/spawn.ts';
import type { Seccomp } from '../../../spec/types.ts';

export const startStage = (libc: Libc, local: Kernel, descriptors: readonly number[] = [0, 1, 2]) =>
  spawnStage(libc, local, { program: initProgram(), descriptors, performer: 'stage' });

export function compileOrSkip(libc: Libc, local: Kernel) {
  const compile = (profile: Seccomp) => compileSeccomp({ local, library: () => loadLibSeccomp(libc) }, profile);
  try {
    loadLibSeccomp(libc);
    return { compile, skip: false as const };
  } catch {
    return { compile, skip: 'libseccomp.so.2 is not installed' };
  }
}
