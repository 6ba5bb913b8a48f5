/** How much processor time commands take: their own, their children's, and that of a server that works for them. */

import { readdirSync, readFileSync } from 'node:fs';
import { loadKoffi } from '../native/libraries/koffi.ts';

const RUSAGE_CHILDREN = -1;

/** @returns milliseconds in user and system mode of all children that have been waited for, and of theirs */
export function openChildrensTime(): () => number {
  const getrusage = loadKoffi().load('libc.so.6').func('getrusage', 'int', ['int', 'void *']);
  return () => {
    const usage = new BigInt64Array(18);
    if (getrusage(RUSAGE_CHILDREN, usage) !== 0) throw new Error('getrusage of the children failed');
    const [userSeconds = 0n, userMicros = 0n, systemSeconds = 0n, systemMicros = 0n] = usage;
    return Number((userSeconds + systemSeconds) * 1_000_000n + userMicros + systemMicros) / 1000;
  };
}

/** @returns milliseconds that the threads of these processes have run. Threads that have ended are not counted. */
export const timeOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    for (const thread of threadsOf(pid)) sum += Number(readFile(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
    return sum;
  }, 0) / 1e6;

/** @returns kilobytes: the proportional set sizes of these processes together, proc_pid_smaps(5) */
export const memoryOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + Number(/^Pss: +(\d+) kB$/m.exec(readFile(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0);

/** @returns a process and its descendants */
export function family(pid: number): readonly number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    readFile(`/proc/${pid}/task/${thread}/children`)
      .split(' ')
      .filter((word) => word !== ''),
  );
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Of what has ended meanwhile, nothing. */
function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
