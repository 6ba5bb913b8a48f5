/** Executes a command in many containers at a steady rate, as the probes of an orchestrator do. */

import { setTimeout } from 'node:timers/promises';
import { quantile } from './measure.ts';
import { invoke, type Runtime } from './runtimes.ts';
import { type Took, together } from './stopwatch.ts';

interface Load {
  readonly containers: number;
  /** Probes a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface ProbeFigures {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  /** The 99th percentile. */
  readonly late: number;
  /** Processor time of a probe, in ms, with that of a server. */
  readonly processor: number;
}

/** @throws Error if a probe fails */
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

async function probed(
  { name, command, stopwatch, server }: Runtime,
  ids: readonly string[],
  { rate, seconds }: Load,
): Promise<ProbeFigures> {
  const before = server?.time() ?? 0;
  const begin = performance.now();
  const probes: Promise<Took>[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    await setTimeout(Math.max(0, begin + (i * 1000) / rate - performance.now()));
    probes.push(stopwatch.timeLater([...command, 'exec', ids[i % ids.length] ?? '', 'true']));
  }
  const took = await Promise.all(probes);
  const times = took.map(({ wall }) => wall);
  const servers = (server?.time() ?? 0) - before;
  return {
    name,
    median: quantile(times, 0.5),
    late: quantile(times, 0.99),
    processor: (together(...took).processor + servers) / took.length,
  };
}
