/** The runtimes that are measured, and how each is called: with the same bundle and the same arguments. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../build/compiler.ts';
import type { ResidentServer } from '../test/integration/resident-server.ts';
import { newestPeers } from './newest.ts';
import { family, memoryOf, timeOf } from './processor.ts';
import type { Stopwatch, Took } from './stopwatch.ts';

export interface Runtime {
  readonly name: string;
  /** The program and its global options. */
  readonly command: readonly string[];
  readonly version: string;
  readonly stopwatch: Stopwatch;
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
export function runtimesHere(states: string, peers: Peers, stopwatch: Stopwatch): readonly Runtime[] {
  const at = (name: string, path: string | undefined, root = name) =>
    runtimeAt(name, path, join(states, root), stopwatch);
  const own = at('runchart', join(import.meta.dirname, '../dist/runchart'));
  const installed = ['runc', 'crun'].flatMap((name) => at(name, findProgram(name)));
  const newest = [...newestPeers()].flatMap(([name, path]) => {
    const known = at(name, path, `newest-${name}`);
    return known.map((one) => ({ ...one, name: `${name} ${/\d+(\.\d+)+/.exec(one.version)?.[0]}` }));
  });
  // Where the newest cannot be had, the others stand for them.
  return [...own, ...(peers === 'all' || newest.length === 0 ? installed : []), ...newest];
}

export function runtimeAt(
  name: string,
  path: string | undefined,
  root: string,
  stopwatch: Stopwatch,
): readonly Runtime[] {
  if (path === undefined) return [];
  const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return status === 0
    ? [{ name, command: [path, '--root', root], version: stdout.split('\n')[0] ?? '', stopwatch }]
    : [];
}

/** @throws Error if the command fails */
export function invoke({ command, stopwatch }: Runtime, ...args: readonly string[]): Took {
  return stopwatch.time([...command, ...args]);
}
