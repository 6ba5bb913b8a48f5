/** Compiles the launcher (native/launcher/launcher.c), which contains the container's init. */
import { join } from 'node:path';
import type { Arch } from './compiler.ts';
import { compileFreestanding } from './freestanding.ts';
import { compileInit } from './init.ts';

/** @throws if there is no compiler for the architecture, or if it refuses the source */
export function compileLauncher(root: string, arch: Arch, output: string): void {
  const init = compileInit(arch);
  compileFreestanding(arch, join(root, 'native/launcher/launcher.c'), output, [`-DINIT_PROGRAM="${init}"`]);
}
