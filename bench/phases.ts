/** Tells where the time of one cold `run` goes, by its own trace. */

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from './measure.ts';
import type { Runtime } from './runtimes.ts';

interface Line {
  readonly state?: string;
  readonly at?: number;
}

/**
 * @returns milliseconds by phase, in the order in which the phases come: the median of `rounds`. A trace takes time
 * itself, so the sum is too high.
 */
export function phasesOfRun(
  runtime: Runtime,
  bundle: string,
  folder: string,
  rounds: number,
): ReadonlyMap<string, number> {
  const times = new Map<string, number[]>();
  const [program = '', ...options] = runtime.command;
  for (let round = 0; round < rounds; round++) {
    const file = join(folder, 'trace.jsonl');
    const start = (performance.timeOrigin + performance.now()) / 1000;
    const { status } = spawnSync(program, ['--trace', file, ...options, 'run', '--bundle', bundle, 'bench'], {
      stdio: 'ignore',
    });
    if (status !== 0) throw new Error(`a traced run failed: exit status ${status}`);
    let before = { state: 'start-up, parsing, config', at: start };
    for (const { state, at } of statesIn(readFileSync(file, 'utf8'))) {
      times.set(before.state, [...(times.get(before.state) ?? []), (at - before.at) * 1000]);
      before = { state, at };
    }
    rmSync(file);
  }
  return new Map([...times].map(([state, values]) => [state, quantile(values, 0.5)]));
}

function statesIn(trace: string): readonly { state: string; at: number }[] {
  return trace
    .trim()
    .split('\n')
    .map((line): Line => JSON.parse(line))
    .flatMap(({ state, at }) => (state === undefined || at === undefined ? [] : [{ state, at }]));
}
