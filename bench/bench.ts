/**
 * `npm run bench`: runchart beside runc and crun (this machine's, and the newest that Debian has), in one run and on
 * equal terms.
 *
 *   bench.ts [resident] [ROUNDS]
 *
 * runc is measured on the host's own cgroup layout. crun refuses a hybrid one, so everything is measured once more in a
 * mount namespace where cgroup v2 alone is mounted. The runtimes take turns; compare ratios, not milliseconds.
 *
 * `resident` measures what `runchart serve` gives, on cgroup v2 alone and beside the newest runtimes: each command, a
 * steady rate of probes, memory, and what a command loses that finds no server.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBundle } from '../test/integration/bundle.ts';
import { noServer, residentDist } from '../test/integration/resident-server.ts';
import { plainConfig } from './configs.ts';
import { table } from './measure.ts';
import { type Bench, MEASUREMENTS } from './measurements.ts';
import { memoryOfCreated } from './memory.ts';
import { phasesOfRun } from './phases.ts';
import { giveMany, residentReport } from './resident.ts';
import { invoke, type Runtime, runtimeAt, runtimesHere, serverOf } from './runtimes.ts';
import { openStopwatch, type Stopwatch } from './stopwatch.ts';

/** Set in the mount namespace that shows cgroup v2 alone. */
const UNIFIED = 'RUNCHART_BENCH_UNIFIED';
const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
const ownView = process.env[UNIFIED] !== undefined;
const words = process.argv.slice(2);
const rounds = Number(words.find((word) => /^\d+$/.test(word)) ?? 60);
const part = words.includes('resident') ? 'resident' : 'all';

/** How many commands a server gets before it is measured: a server serves many. */
const WARMING = 600;

if (process.getuid?.() !== 0) {
  console.error('bench: containers need root here');
  process.exit(1);
}
if (part === 'all' || unified) await bench();
if (!unified) benchUnified();

/** State roots are on a tmpfs, as /run is by default: on a disk's file system, removing a directory takes 1 ms. */
function tmpfs(folder: string): string {
  const TMPFS_MAGIC = 0x01021994;
  return ['/run', '/dev/shm'].find((path) => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC) ?? folder;
}

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-bench-'));
  const states = mkdtempSync(join(tmpfs(folder), 'runchart-bench-'));
  try {
    await using stack = new AsyncDisposableStack();
    const bundle = makeBundle(join(folder, 'bundle'), plainConfig(unified));
    const stopwatch = openStopwatch(states);
    const served = noServer === false ? [await residentRuntime(folder, states, stopwatch, stack)] : [];
    const [own, ...peers] = runtimesHere(states, part === 'all' ? 'all' : 'newest', stopwatch);
    if (own?.name !== 'runchart') throw new Error('dist/runchart does not run: npm run build');
    const runtimes = [own, ...served, ...peers].filter((runtime) => works(runtime, bundle));
    const sleeper = makeBundle(join(folder, 'sleeper'), plainConfig(unified, ['sleep', '10000']));
    for (const runtime of runtimes) if (runtime.server) giveMany(runtime, bundle, sleeper, WARMING);
    await report({ folder, states, unified, ownView, runtimes, bundle, sleeper, rounds });
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(states, { recursive: true, force: true });
  }
}

/** Starts a server, whose client is a copy of the launcher. */
async function residentRuntime(
  folder: string,
  states: string,
  stopwatch: Stopwatch,
  stack: AsyncDisposableStack,
): Promise<Runtime> {
  const { program, serve } = residentDist(folder);
  const server = stack.use(await serve());
  const [runtime] = runtimeAt('resident', program, join(states, 'resident'), stopwatch);
  if (runtime === undefined) throw new Error(`${program} does not run`);
  return { ...runtime, server: serverOf(server) };
}

async function report(setting: Bench): Promise<void> {
  const { runtimes, bundle, folder } = setting;
  const [own, ...others] = runtimes;
  if (own === undefined) return;
  const versions = runtimes.map(({ name, version }) => (version.includes(name) ? version : `${name}: ${version}`));
  console.log(`\n## cgroup ${unified ? 'v2' : 'v1 or hybrid'}\n\n${versions.join(', ')}\n`);
  const peers = others.filter(({ server }) => server === undefined).map(({ name }) => name);
  for (const { title, take } of MEASUREMENTS.filter((one) => part === 'all' || one.resident)) {
    const figures = await take(setting);
    if (figures.length > 0) console.log(`${table(title, figures, peers)}\n`);
  }
  if (part === 'resident') return residentReport(setting);
  console.log('| a created container keeps | kB (Pss) |\n| --- | --- |');
  for (const one of runtimes) console.log(`| ${one.name} | ${memoryOfCreated(one, bundle)} |`);
  console.log('\n| where a traced `run` goes | ms |\n| --- | --- |');
  for (const [state, took] of phasesOfRun(own, bundle, folder, Math.ceil(rounds / 3)))
    console.log(`| ${state} | ${took.toFixed(2)} |`);
}

function works(runtime: Runtime, bundle: string): boolean {
  try {
    const before = runtime.server?.served() ?? 0;
    invoke(runtime, 'run', '-b', bundle, 'try');
    if (runtime.server?.served() === before) throw new Error('its server does not serve it');
    return true;
  } catch (error) {
    console.log(`${runtime.name} is left out: ${error instanceof Error ? error.message : error}`);
    spawnSync(runtime.command[0] ?? '', [...runtime.command.slice(1), 'delete', '--force', 'try'], { stdio: 'ignore' });
    return false;
  }
}

/** Does the same again where cgroup v2 alone can be seen. */
function benchUnified(): void {
  const script = 'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$0" "$@"';
  const again = [process.execPath, import.meta.filename, ...words];
  const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, ...again], {
    stdio: 'inherit',
    env: { ...process.env, [UNIFIED]: '1' },
  });
  if (status !== 0) console.log('not measured on cgroup v2: no mount namespace, or no cgroup v2');
}
