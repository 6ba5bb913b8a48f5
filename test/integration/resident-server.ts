/** Resident servers for tests and benches, each with a copy of dist/ and a socket of its own. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { BUILT } from './dist.ts';
import { PATIENCE } from './patience.ts';

/** What `serve --status` tells, as far as tests need it. */
export interface ServerStatus {
  readonly pid: number;
  /** How many commands its engines have served, those that are gone as well. */
  readonly commands: number;
  /** How many engines are gone. */
  readonly replaced: number;
  /** How many engines wait for a command. */
  readonly idle: number;
  /** A busy one does not say how many it has performed. */
  readonly engines: readonly { readonly pid: number; readonly commands?: number }[];
}

export interface ResidentServer extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  status(): ServerStatus;
  /** Ends it by SIGTERM, and waits for its end. @returns its exit status; null if a signal ended it */
  stop(): Promise<number | null>;
}

export interface ResidentDist {
  /** The launcher, which is a client of the servers of this copy alone. */
  readonly program: string;
  /** The directory of the socket. */
  readonly directory: string;
  readonly socket: string;
  serve(flags?: readonly string[]): Promise<ResidentServer>;
}

/** @param folder in which the copy is made */
export function residentDist(folder: string): ResidentDist {
  const copy = join(folder, 'dist');
  const directory = join(folder, 'resident');
  mkdirSync(copy, { recursive: true });
  const program = join(copy, 'runchart');
  copyFileSync(join(BUILT, 'runchart'), program);
  for (const name of ['runchart-engine', 'koffi.node', 'runchart-engine.map'])
    linkOrCopy(join(BUILT, name), join(copy, name));
  symlinkSync(join(BUILT, 'page'), join(copy, 'page'));
  symlinkSync(directory, join(copy, 'runchart-resident'));
  return {
    program,
    directory,
    socket: join(directory, 'socket'),
    async serve(flags = []) {
      const child = spawn(program, ['serve', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
      return ready(child, program);
    },
  };
}

/** What was just copied lies in memory in small pieces, which costs each start 1 ms and more. A link does not. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
  }
}

export const statusOf = (program: string): ServerStatus =>
  JSON.parse(execFileSync(program, ['serve', '--status'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));

/** Waits until an engine is there. */
export async function ready(child: ChildProcess, program: string): Promise<ResidentServer> {
  const { pid = 0 } = child;
  const status = () => statusOf(program);
  for (let tries = 0; !isIdle(status); tries++) {
    if (child.exitCode !== null || child.signalCode !== null || tries > 600 * PATIENCE)
      throw new Error(`the server is not ready: ${child.exitCode ?? child.signalCode ?? 'it is silent'}`);
    await setTimeout(50);
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const end = once(child, 'exit');
      child.kill('SIGTERM');
      await end;
    }
    return child.exitCode;
  };
  return { child, pid, status, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

function isIdle(status: () => ServerStatus): boolean {
  try {
    return status().idle > 0;
  } catch {
    return false;
  }
}

/** Why no server can be tested; false if one can be. */
export const noServer: string | false = existsSync(join(BUILT, 'runchart')) ? false : 'dist/runchart is not built';
