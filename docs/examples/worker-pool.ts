/**
 * Gives each task a container of its own, a few at a time. As root: `node docs/examples/worker-pool.ts ROOTFS`.
 */

import { openRuntime, type ProcessResult } from 'runchart';

const [, , rootfs = ''] = process.argv;
await using runtime = openRuntime({ root: '/run/runchart-example' });

const runTask = (task: number): Promise<ProcessResult> =>
  runtime.run({
    rootfs,
    args: ['sh', '-c', 'read n; echo $((n * n))'],
    stdin: `${task}\n`,
    readonly: true,
    memory: '64m',
    timeout: 60_000,
  });

/** Performs all tasks, `width` at a time. @returns their results, in the order of the tasks */
async function pool<Task, Result>(
  tasks: readonly Task[],
  width: number,
  perform: (task: Task) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const waiting = tasks.entries();
  const worker = async (): Promise<void> => {
    for (const [index, task] of waiting) results[index] = await perform(task);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

const tasks = Array.from({ length: 20 }, (_, i) => i);
const results = await pool(tasks, 4, runTask);
console.log(results.map(({ stdout }) => stdout.trim()).join(' '));
