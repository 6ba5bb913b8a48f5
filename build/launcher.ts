/**
 * Compiles the launcher (native/launcher) for one architecture with the system's C compiler.
 */
import { execFileSync } from 'node:child_process';
import { type Arch, compilerFor } from './compiler.ts';

const FLAGS = [
  '-std=c11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Os',
  '-static',
  '-nostdlib',
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-pic',
  '-no-pie',
  '-fno-asynchronous-unwind-tables',
  '-Wl,--build-id=none,-z,noexecstack,-z,norelro,--gc-sections',
  '-s',
];

/**
 * @param output where the executable goes
 * @throws when there is no compiler for the architecture, or it refuses the source
 */
export function buildLauncher(root: string, arch: Arch, output: string): void {
  execFileSync(compilerFor(arch), [...FLAGS, `${root}/native/launcher/launcher.c`, '-o', output], { stdio: 'inherit' });
}
