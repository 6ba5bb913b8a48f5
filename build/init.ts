/**
 * Compiles the container's init (native/init/init.c) beside its source, for every architecture that a compiler is
 * here for. Without a C library: it is what every created container keeps in memory.
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', 'native', 'init');

/** Compilers to try, by architecture as `process.arch` names it. */
const COMPILERS = {
  x64: process.arch === 'x64' ? 'cc' : 'x86_64-linux-gnu-gcc',
  arm64: process.arch === 'arm64' ? 'cc' : 'aarch64-linux-gnu-gcc',
} as const;

export const FREESTANDING = [
  '-std=gnu11',
  '-Os',
  '-static',
  '-nostdlib',
  '-ffreestanding',
  '-fno-pie',
  '-no-pie',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wl,--build-id=none',
  '-Wl,-z,noseparate-code',
  '-Wl,-z,max-page-size=4096',
  '-s',
];

/** Compiles for one architecture. @throws when the compiler is missing or refuses */
export function compileInit(arch: keyof typeof COMPILERS): string {
  const output = join(FOLDER, `init-${arch}`);
  execFileSync(COMPILERS[arch], [...FREESTANDING, '-o', output, join(FOLDER, 'init.c')], { stdio: 'inherit' });
  return output;
}

if (import.meta.main) {
  const own = process.arch === 'arm64' ? 'arm64' : 'x64';
  compileInit(own);
  const other = own === 'x64' ? 'arm64' : 'x64';
  try {
    compileInit(other);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    console.error(`init-${other} not built: ${COMPILERS[other]} is not installed`);
  }
}
