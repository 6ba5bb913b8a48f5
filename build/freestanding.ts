/**
 * Compiles the programs that have no C library: native/init, which every created container keeps in memory, and
 * native/launcher, which runs before every command.
 */
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { LARGEST_PAGES } from '../native/constants/process.ts';
import { type Arch, compilerFor } from './compiler.ts';

const FLAGS = [
  ...['-std=gnu11', '-Os', '-static', '-nostdlib', '-ffreestanding', '-fno-pie', '-no-pie', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-Wall', '-Wextra', '-Werror', '-s'],
  // These make the program one page of file and memory instead of several.
  '-Wl,--build-id=none,-z,noexecstack,-z,norelro,-z,noseparate-code,--gc-sections',
];

/** @throws if there is no compiler for the architecture, or if it refuses the source */
export function compileFreestanding(
  arch: Arch,
  source: string,
  output: string,
  definitions: readonly string[] = [],
): void {
  // The rename is atomic: others, such as tests, may start or copy the program meanwhile.
  const made = `${output}.${process.pid}`;
  // Code and writable data must not share a page, since the data could then not be mapped.
  const flags = [...FLAGS, `-Wl,-z,max-page-size=${LARGEST_PAGES[arch]}`, ...definitions];
  execFileSync(compilerFor(arch), [...flags, '-o', made, source], { stdio: 'inherit' });
  renameSync(made, output);
}
