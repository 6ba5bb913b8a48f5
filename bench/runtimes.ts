/** The runtimes that are measured, and how each is called: with the same bundle and the same arguments. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../build/compiler.ts';
import type { ResidentServer } from '../test/integration/resident-server.ts';
import { newestPeers } from './newest.ts';
import { family, memoryOf, timeOf } from './processor.ts';

export interface Runtime {
  readonly name: string;
  /** The program and its global options. */
  readonly command: readonly string[];
  readonly version: string;
  readonly server?: Server;
}

/** The processes that work for a runtime's commands. */
export interface Server {
  /** How many commands it has served. */
  served(): number;
  /** Its processor time so far, in ms. */
  time(): number;
  /** Its memory, in kB (Pss). */
  memory(): number;
}

/** Which of the runtimes that are not ours are measured. */
export type Peers = 'all' | 'newest';

export const serverOf = ({ pid, status }: ResidentServer): Server => ({
  served: () => status().commands,
  time: () => timeOf(family(pid)),
  memory: () => memoryOf(family(pid)),
});

/**
 * @param states a folder for state roots
 * @returns runchart, and runc and crun: Debian's own, and the newest. What cannot be executed here is left out
 */
export function runtimesHere(states: string, peers: Peers): readonly Runtime[] {
  const own = runtimeAt('runchart', join(import.meta.dirname, '../dist/runchart'), join(states, 'runchart'));
  const installed = ['runc', 'crun'].flatMap((name) => runtimeAt(name, findProgram(name), join(states, name)));
  const newest = [...newestPeers()].flatMap(([name, path]) => {
    const known = runtimeAt(name, path, join(states, `newest-${name}`));
    return known.map((one) => ({ ...one, name: `${name} ${/\d+(\.\d+)+/.exec(one.version)?.[0]}` }));
  });
  // Where the newest cannot be had, the others stand for them.
  return [...own, ...(peers === 'all' || newest.length === 0 ? installed : []), ...newest];
}

export function runtimeAt(name: string, path: string | undefined, root: string): readonly Runtime[] {
  if (path === undefined) return [];
  const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return status === 0 ? [{ name, command: [path, '--root', root], version: stdout.split('\n')[0] ?? '' }] : [];
}

/** @throws Error if the command fails: what does not work has no speed */
export function invoke(runtime: Runtime, ...args: readonly string[]): void {
  const [program = '', ...options] = runtime.command;
  // The output is discarded. A command that writes to a pipe would wait for us.
  const { status, error } = spawnSync(program, [...options, ...args], { stdio: 'ignore' });
  if (status !== 0) throw error ?? new Error(`${runtime.name} ${args.join(' ')}: exit status ${status}`);
}
