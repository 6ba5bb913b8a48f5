/**
 * `npm run bench`: runchart beside Debian's runc and crun, in one run and on equal terms.
 *
 *   bench.ts [ROUNDS]
 *
 * runc is measured on the host's own cgroup layout. crun refuses a hybrid one, so everything is measured once more in a
 * mount namespace where cgroup v2 alone is mounted. The runtimes take turns; compare ratios, not milliseconds.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBundle } from '../test/integration/bundle.ts';
import { plainConfig } from './configs.ts';
import { table } from './measure.ts';
import { type Bench, MEASUREMENTS } from './measurements.ts';
import { memoryOfCreated } from './memory.ts';
import { phasesOfRun } from './phases.ts';
import { installed, invoke, type Runtime, runtimeAt } from './runtimes.ts';

/** Set in the mount namespace that shows cgroup v2 alone. */
const UNIFIED = 'RUNCHART_BENCH_UNIFIED';
const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
const ownView = process.env[UNIFIED] !== undefined;
const rounds = Number(process.argv[2] ?? 60);

if (process.getuid?.() !== 0) {
  console.error('bench: containers need root here');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'runchart-bench-'));
const states = mkdtempSync(join(tmpfs(), 'runchart-bench-'));
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true });
  rmSync(states, { recursive: true, force: true });
}
if (!unified) benchUnified();

/** State roots are on a tmpfs, as /run is by default: on a disk's file system, removing a directory takes 1 ms. */
function tmpfs(): string {
  const TMPFS_MAGIC = 0x01021994;
  return ['/run', '/dev/shm'].find((path) => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC) ?? folder;
}

async function bench(): Promise<void> {
  const bundle = makeBundle(join(folder, 'bundle'), plainConfig(unified));
  const runtimes = runtimesThatRun(bundle);
  const [own, ...peers] = runtimes;
  if (own?.name !== 'runchart') throw new Error('dist/runchart does not run: npm run build');
  const versions = runtimes.map(({ version }) => version).join(', ');
  console.log(`\n## cgroup ${unified ? 'v2' : 'v1 or hybrid'}\n\n${versions}\n`);

  const setting: Bench = { folder, states, unified, ownView, runtimes, bundle, rounds };
  const names = peers.map(({ name }) => name);
  for (const { title, take } of MEASUREMENTS) {
    const figures = await take(setting);
    if (figures.length > 0) console.log(`${table(title, figures, names)}\n`);
  }
  console.log('| a created container keeps | kB (Pss) |\n| --- | --- |');
  for (const one of runtimes) console.log(`| ${one.name} | ${memoryOfCreated(one, bundle)} |`);
  console.log('\n| where a traced `run` goes | ms |\n| --- | --- |');
  for (const [state, took] of phasesOfRun(own, bundle, folder, Math.ceil(rounds / 3)))
    console.log(`| ${state} | ${took.toFixed(2)} |`);
}

/** @returns runchart, and those of runc and crun that are installed and run the bundle here */
function runtimesThatRun(bundle: string): readonly Runtime[] {
  return ['runchart', 'runc', 'crun'].flatMap((name) => {
    const path = name === 'runchart' ? join(import.meta.dirname, '../dist/runchart') : installed(name);
    const runtime = runtimeAt(name, path, join(states, name));
    return runtime !== undefined && works(runtime, bundle) ? [runtime] : [];
  });
}

function works(runtime: Runtime, bundle: string): boolean {
  try {
    invoke(runtime, 'run', '-b', bundle, 'try');
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
  const again = [process.execPath, import.meta.filename, String(rounds)];
  const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, ...again], {
    stdio: 'inherit',
    env: { ...process.env, [UNIFIED]: '1' },
  });
  if (status !== 0) console.log('not measured on cgroup v2: no mount namespace, or no cgroup v2');
}
