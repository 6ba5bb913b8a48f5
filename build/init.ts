/**
 * Compiles the container's init (native/init/init.c) beside its source, where native/init/program.ts looks for it. As
 * a script, it does so for every architecture for which a compiler is installed.
 */
import { join } from 'node:path';
import { ARCHITECTURES, type Arch, findCompiler } from './compiler.ts';
import { compileFreestanding } from './freestanding.ts';

const FOLDER = join(import.meta.dirname, '..', 'native', 'init');

/**
 * @returns the program's path
 * @throws if the compiler is missing or refuses the source
 */
export function compileInit(arch: Arch): string {
  const output = join(FOLDER, `init-${arch}`);
  compileFreestanding(arch, join(FOLDER, 'init.c'), output);
  return output;
}

if (import.meta.main) {
  for (const arch of ARCHITECTURES) {
    if (findCompiler(arch) === undefined) console.error(`init-${arch} not built: no compiler for it is installed`);
    else compileInit(arch);
  }
}
