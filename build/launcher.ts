/**
 * Compiles the launcher (native/launcher/launcher.c), which has the container's init inside.
 */
import { join } from 'node:path';
import type { Arch } from './compiler.ts';
import { compileFreestanding } from './freestanding.ts';
import { compileInit } from './init.ts';

/** @throws when there is no compiler for the architecture, or it refuses the source */
export function compileLauncher(root: string, arch: Arch, output: string): void {
  const init = compileInit(arch);
  compileFreestanding(arch, join(root, 'native/launcher/launcher.c'), output, [`-DINIT_PROGRAM="${init}"`]);
}
