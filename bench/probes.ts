/** Executes a command in many containers at a steady rate, as the probes of an orchestrator do. */

import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { quantile } from './measure.ts';
import { openChildrensTime } from './processor.ts';
import { invoke, type Runtime } from './runtimes.ts';

interface Load {
  readonly containers: number;
  /** Probes a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface ProbeFigures {
  readonly name: string;
  /** Milliseconds from when a probe was due to its end: one that has to wait for others is late. */
  readonly median: number;
  /** The 99th percentile. */
  readonly late: number;
  /** Processor time of a probe, in ms, with that of a server. */
  readonly processor: number;
  readonly failed: number;
}

export async function probe(runtime: Runtime, sleeper: string, load: Load): Promise<ProbeFigures> {
  const ids = Array.from({ length: load.containers }, (_, i) => `probed-${i}`);
  try {
    for (const id of ids) invoke(runtime, 'run', '--detach', '-b', sleeper, id);
    for (const id of ids) invoke(runtime, 'exec', id, 'true');
    return await probed(runtime, ids, load);
  } finally {
    for (const id of ids) invoke(runtime, 'delete', '--force', id);
  }
}

async function probed(runtime: Runtime, ids: readonly string[], { rate, seconds }: Load): Promise<ProbeFigures> {
  const childrensTime = openChildrensTime();
  const processor = () => childrensTime() + (runtime.server?.time() ?? 0);
  const spent = processor();
  const count = rate * seconds;
  const begin = performance.now();
  const ends: Promise<number | undefined>[] = [];
  for (let i = 0; i < count; i++) {
    const due = begin + (i * 1000) / rate;
    await setTimeout(Math.max(0, due - performance.now()));
    ends.push(execute(runtime, ids[i % ids.length] ?? '', due));
  }
  const took = await Promise.all(ends);
  const times = took.filter((time) => time !== undefined);
  return {
    name: runtime.name,
    median: quantile(times, 0.5),
    late: quantile(times, 0.99),
    processor: (processor() - spent) / count,
    failed: count - times.length,
  };
}

/** @returns how long it took; undefined if it failed */
function execute({ command }: Runtime, id: string, due: number): Promise<number | undefined> {
  const [program = '', ...options] = command;
  const child = spawn(program, [...options, 'exec', id, 'true'], { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status === 0 ? performance.now() - due : undefined));
  });
}
