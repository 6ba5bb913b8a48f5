/** A daemon for the test alone: it is started, waited for, and ended by its pid. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { PATIENCE } from '../integration/patience.ts';

const PATIENCE_MS = 120_000 * PATIENCE;

export interface Daemon {
  readonly pid: number;
  /** Ends it, and waits for its end. */
  stop(): Promise<void>;
}

/**
 * @param log a file that takes what it prints
 * @param ready asks whether it serves
 * @throws with what it printed, if it ends or does not serve in time
 */
export async function startDaemon(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  log: string,
  ready: () => boolean,
): Promise<Daemon> {
  const [command = ''] = argv;
  const output = openSync(log, 'w');
  // The daemon ends when this process does, however that happens.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...argv], { env, stdio: ['ignore', output, output] });
  closeSync(output);
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  // The failure is thrown below, where it is waited for.
  failed.catch(() => {});
  for (let waited = 0; ; waited += 50) {
    await Promise.race([failed, new Promise((done) => setTimeout(done, 50))]);
    if (isEnded(child)) throw new Error(`${command} ended: ${readFileSync(log, 'utf8')}`);
    if (ready()) break;
    if (waited > PATIENCE_MS) {
      child.kill('SIGKILL');
      throw new Error(`${command} does not serve: ${readFileSync(log, 'utf8')}`);
    }
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(limit);
    },
  };
}

const isEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
