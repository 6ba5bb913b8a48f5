/** Measures what a created container keeps in memory: the process that waits for `start`. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { invoke, type Runtime } from './runtimes.ts';

/** @returns kilobytes: the proportional set size, proc_pid_smaps(5) */
export function memoryOfCreated(runtime: Runtime, bundle: string): number {
  invoke(runtime, 'create', '--bundle', bundle, 'bench');
  try {
    const [program = '', ...options] = runtime.command;
    const { pid } = JSON.parse(spawnSync(program, [...options, 'state', 'bench'], { encoding: 'utf8' }).stdout);
    const pss = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(pss?.[1]);
  } finally {
    invoke(runtime, 'delete', '--force', 'bench');
  }
}
