/** Finds the C compiler that makes programs for an architecture. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** An architecture, as Node and Bun name it in `process.arch`. */
export type Arch = 'x64' | 'arm64';

export const ARCHITECTURES: readonly Arch[] = ['x64', 'arm64'];

/** The package that brings Bun. */
export const BUN_PACKAGES: Record<Arch, string> = { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' };

/** Debian's cross compilers: package gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu. */
const CROSS: Record<Arch, string> = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' };

export function hostArch(): Arch {
  const arch = ARCHITECTURES.find((known) => known === process.arch);
  if (arch === undefined) throw new Error(`runchart runs on ${ARCHITECTURES.join(' and ')}, not on ${process.arch}`);
  return arch;
}

/** @returns the compiler's path, or undefined when it is not installed */
export function findCompiler(arch: Arch): string | undefined {
  const names = arch === hostArch() ? ['gcc', 'cc', 'clang', CROSS[arch]] : [CROSS[arch]];
  return names.map(findProgram).find((path) => path !== undefined);
}

/** @throws if the compiler is not installed; the error names what to install */
export function compilerFor(arch: Arch): string {
  const compiler = findCompiler(arch);
  if (compiler === undefined) throw new Error(`no C compiler for ${arch}: install gcc (apt-get install gcc)`);
  return compiler;
}

/** @returns the path of a program in PATH, or undefined */
export function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
