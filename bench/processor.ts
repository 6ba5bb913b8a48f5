/** What the processes of a server take: processor time and memory. */

import { readdirSync, readFileSync } from 'node:fs';

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
