/** The runtimes that are measured, and how each is called: with the same bundle and the same arguments. */

import { spawnSync } from 'node:child_process';
import { findProgram } from '../build/compiler.ts';

export interface Runtime {
  readonly name: string;
  /** The program and its global options. */
  readonly command: readonly string[];
  readonly version: string;
}

/** @returns undefined if it is not installed */
export function runtimeAt(name: string, path: string | undefined, root: string): Runtime | undefined {
  if (path === undefined) return undefined;
  const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return { name, command: [path, '--root', root], version: stdout.split('\n')[0] ?? '' };
}

export const installed = (name: string): string | undefined => findProgram(name);

/** @throws Error if the command fails: what does not work has no speed */
export function invoke(runtime: Runtime, ...args: readonly string[]): void {
  const [program = '', ...options] = runtime.command;
  // The output is discarded. A command that writes to a pipe would wait for us.
  const { status, error } = spawnSync(program, [...options, ...args], { stdio: 'ignore' });
  if (status !== 0) throw error ?? new Error(`${runtime.name} ${args.join(' ')}: exit status ${status}`);
}
