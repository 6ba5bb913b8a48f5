/** What a resident server gives and costs beyond single commands: probes, memory, and commands that find none. */

import { setTimeout } from 'node:timers/promises';
import { lostByAttempt } from './attempt.ts';
import { row } from './measure.ts';
import { type Bench, keptBy } from './measurements.ts';
import { type ProbeFigures, probe } from './probes.ts';
import { invoke, type Runtime } from './runtimes.ts';

/** How many commands show whether a server grows, at a full bench of 60 rounds. */
const MANY = 10_000;
const FULL_ROUNDS = 60;
/** So long a server has had nothing to do when its memory is looked at: its engines have collected their garbage. */
const PAUSE_MS = 3000;
/** After so long, they have let go of all that they can do without (runtime/resident/engine.ts). */
const IDLE_MS = 100_000;

export async function residentReport(bench: Bench): Promise<void> {
  const { runtimes, sleeper, rounds } = bench;
  for (const [rate, seconds] of [
    [20, rounds],
    [100, Math.ceil(rounds / 6)],
  ] as const) {
    const figures: ProbeFigures[] = [];
    for (const runtime of runtimes) figures.push(await probe(runtime, sleeper, { containers: 20, rate, seconds }));
    console.log(`${probeTable(`\`exec\`, ${rate} a second for ${seconds} s into 20 containers`, figures)}\n`);
  }
  const resident = runtimes.find(({ server }) => server !== undefined);
  if (resident !== undefined) console.log(`${await growthOf(resident, bench)}\n`);
  const [own] = runtimes;
  if (own === undefined) return;
  const lost = lostByAttempt(bench.folder, own.stopwatch);
  console.log(`A command that finds no server loses ${lost.toFixed(3)} ms by looking for it.\n`);
}

function probeTable(title: string, figures: readonly ProbeFigures[]): string {
  const rows = figures.map(({ name, median, late, processor }) =>
    row([name, ...[median, late, processor].map((value) => value.toFixed(1))]),
  );
  return [row([`${title}, ms`, 'p50', 'p99', 'processor']), row(Array(4).fill('---')), ...rows].join('\n');
}

/** Gives the server many commands of three kinds. @returns a table of its memory before and after */
async function growthOf(runtime: Runtime, { bundle, sleeper, rounds }: Bench): Promise<string> {
  const { server } = runtime;
  if (server === undefined) return '';
  const many = Math.ceil(MANY * Math.min(1, rounds / FULL_ROUNDS));
  const memory = async (idle = PAUSE_MS) => {
    await setTimeout(idle);
    return String(server.memory());
  };
  const rows: string[][] = [['0 of them', await memory()]];
  for (const count of [Math.ceil(many / 10), many]) {
    const served = server.served();
    giveMany(runtime, bundle, sleeper, count);
    rows.push([`${count} more, ${server.served() - served} served`, await memory()]);
  }
  rows.push([`and ${IDLE_MS / 1000} s without any`, await memory(IDLE_MS)]);
  return [row(['a server, after so many commands', 'kB (Pss)']), row(['---', '---']), ...rows.map(row)].join('\n');
}

/** Commands of several kinds, one after the other. */
export function giveMany(runtime: Runtime, bundle: string, sleeper: string, count: number): void {
  const kept = keptBy(runtime);
  invoke(runtime, 'run', '--detach', '-b', sleeper, kept);
  const commands = [
    ['state', kept],
    ['exec', kept, 'true'],
    ['run', '-b', bundle, 'bench'],
    ['create', '-b', bundle, 'bench'],
    ['start', 'bench'],
    ['delete', '--force', 'bench'],
  ];
  for (let i = 0; i < count; i++) invoke(runtime, ...(commands[i % commands.length] ?? []));
  invoke(runtime, 'delete', '--force', kept);
  if (count % commands.length > 3) invoke(runtime, 'delete', '--force', 'bench');
}
