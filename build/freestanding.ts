/**
 * Compiles the programs that have no C library, native/init and native/launcher: the one is what every created container
 * keeps in memory, the other stands before every command's start.
 */
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { LARGEST_PAGES } from '../native/constants/process.ts';
import { type Arch, compilerFor } from './compiler.ts';

const FLAGS = [
  ...['-std=gnu11', '-Os', '-static', '-nostdlib', '-ffreestanding', '-fno-pie', '-no-pie', '-fno-stack-protector'],
  ...['-fno-asynchronous-unwind-tables', '-Wall', '-Wextra', '-Werror', '-s'],
  // One page of file and memory instead of several.
  '-Wl,--build-id=none,-z,noexecstack,-z,norelro,-z,noseparate-code,--gc-sections',
];

/** @throws when there is no compiler for the architecture, or it refuses the source */
export function compileFreestanding(
  arch: Arch,
  source: string,
  output: string,
  definitions: readonly string[] = [],
): void {
  // By rename: others may start the program meanwhile, or take it along. (Tests compile it while others start it.)
  const made = `${output}.${process.pid}`;
  // What is code and what is written to may not lie in the same page: the second could not be mapped.
  const flags = [...FLAGS, `-Wl,-z,max-page-size=${LARGEST_PAGES[arch]}`, ...definitions];
  execFileSync(compilerFor(arch), [...flags, '-o', made, source], { stdio: 'inherit' });
  renameSync(made, output);
}
