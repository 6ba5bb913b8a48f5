/** Times programs from their start to their end (stopwatch.c). */

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compilerFor, hostArch } from '../build/compiler.ts';

export interface Took {
  /** Milliseconds. */
  readonly wall: number;
  /** Processor time of the program and of its children, in ms. */
  readonly processor: number;
}

/** @returns the sum */
export const together = (...all: readonly Took[]): Took => ({
  wall: all.reduce((sum, { wall }) => sum + wall, 0),
  processor: all.reduce((sum, { processor }) => sum + processor, 0),
});

/** Both throw an Error if the program fails: what does not work has no speed. */
export interface Stopwatch {
  time(argv: readonly string[], env?: NodeJS.ProcessEnv): Took;
  /** The same without waiting for it. */
  timeLater(argv: readonly string[]): Promise<Took>;
}

/** @param folder where the program and what programs say are put */
export function openStopwatch(folder: string): Stopwatch {
  const program = join(folder, 'stopwatch');
  const errors = join(folder, 'errors');
  const source = join(import.meta.dirname, 'stopwatch.c');
  execFileSync(compilerFor(hostArch()), ['-O2', '-Wall', '-Werror', '-static', '-o', program, source]);
  const tookOf = (printed: string, argv: readonly string[]): Took => {
    const [nanoseconds = 0, microseconds = 0, status] = printed.split(' ').map(Number);
    if (status !== 0) throw new Error(`${argv.join(' ')}: exit status ${status}: ${readFileSync(errors, 'utf8')}`);
    return { wall: nanoseconds / 1e6, processor: microseconds / 1e3 };
  };
  return {
    time(argv, env = process.env) {
      const { stdout } = spawnSync(program, [errors, ...argv], { stdio: ['ignore', 'pipe', 'inherit'], env });
      return tookOf(stdout.toString(), argv);
    },
    async timeLater(argv) {
      const { stdout } = await promisify(execFile)(program, [errors, ...argv]);
      return tookOf(stdout, argv);
    },
  };
}
