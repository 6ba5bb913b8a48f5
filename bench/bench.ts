/**
 * `npm run bench`: runchart beside Debian's runc and crun, in one run and on equal terms.
 *
 *   bench.ts [ROUNDS]
 *
 * runc is measured on the host's own cgroup layout. crun refuses a hybrid one, so everything is measured once more in a
 * mount namespace where cgroup v2 alone is mounted. Every pair is measured in turn; compare ratios, not milliseconds.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../spec/types.ts';
import { makeBundle, shellConfig } from '../test/integration/bundle.ts';
import { type Figures, measure, quantile, table } from './measure.ts';
import { memoryOfCreated } from './memory.ts';
import { phasesOfRun } from './phases.ts';
import { podmanRuns } from './podman.ts';
import { dockersProfile } from './profile.ts';
import { installed, invoke, type Runtime, runtimeAt } from './runtimes.ts';

const UNIFIED = 'RUNCHART_BENCH_UNIFIED';
const repository = join(import.meta.dirname, '..');
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
if (process.env[UNIFIED] === undefined && !existsSync('/sys/fs/cgroup/cgroup.controllers')) benchUnified();

/** A place for all state roots. By default they are in /run, which is a tmpfs: to remove a directory costs a disk's file system 1 ms. */
function tmpfs(): string {
  const TMPFS_MAGIC = 0x01021994;
  return ['/run', '/dev/shm'].find((path) => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC) ?? folder;
}

async function bench(): Promise<void> {
  const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const bundle = makeBundle(join(folder, 'bundle'), configFor(unified));
  const runtimes = ['runchart', 'runc', 'crun'].flatMap((name) => {
    const path = name === 'runchart' ? join(repository, 'dist/runchart') : installed(name);
    const runtime = runtimeAt(name, path, join(states, name));
    return runtime !== undefined && works(runtime, bundle) ? [runtime] : [];
  });
  const [own] = runtimes;
  if (own?.name !== 'runchart') throw new Error('dist/runchart does not run: npm run build');
  const peers = runtimes.slice(1).map(({ name }) => name);

  console.log(
    `\n## cgroup ${unified ? 'v2' : 'v1 or hybrid'}\n\n${runtimes.map(({ version }) => version).join(', ')}\n`,
  );
  const print = (title: string, figures: readonly Figures[]) => console.log(`${table(title, figures, peers)}\n`);
  const runs = runtimes.map((one) => ({ name: one.name, run: () => invoke(one, 'run', '-b', bundle, 'bench') }));
  print('`run`', measure(runs, rounds));
  print('`run`, a fifth of a second after another', measure(runs, Math.ceil(rounds / 2), 200));
  const restricted = makeBundle(join(folder, 'restricted'), restrictedConfig(unified));
  print(
    "`run` with docker's default seccomp profile and limits",
    measure(
      runtimes.map((one) => ({ name: one.name, run: () => invoke(one, 'run', '-b', restricted, 'bench') })),
      rounds,
    ),
  );
  print(
    '`create`, `start`, `delete`',
    measure(
      runtimes.map((one) => lifeOf(one, bundle)),
      rounds,
    ),
  );
  print(
    '`state`',
    withCreated(runtimes, bundle, () =>
      measure(
        runtimes.map((one) => ({ name: one.name, run: () => invoke(one, 'state', 'kept') })),
        rounds,
      ),
    ),
  );
  const sleeper = makeBundle(join(folder, 'sleeper'), configFor(unified, ['sleep', '10000']));
  print(
    '`exec`',
    withCreated(runtimes, sleeper, () => {
      for (const one of runtimes) invoke(one, 'start', 'kept');
      return measure(
        runtimes.map((one) => ({ name: one.name, run: () => invoke(one, 'exec', 'kept', 'true') })),
        rounds,
      );
    }),
  );
  // The view of cgroup v2 lacks controllers that podman takes for granted.
  const podman =
    process.env[UNIFIED] === undefined ? await podmanRuns(folder, states, runtimes, Math.ceil(rounds / 2)) : [];
  if (podman.length > 0) print('`podman run --rm`', podman);
  console.log(
    table(
      'the library, a container',
      [
        library(bundle),
        ...measure(
          runtimes.slice(1).map((one) => ({ name: one.name, run: () => invoke(one, 'run', '-b', bundle, 'bench') })),
          rounds,
        ),
      ],
      peers,
    ),
  );
  console.log('\n| a created container keeps | kB (Pss) |\n| --- | --- |');
  for (const one of runtimes) console.log(`| ${one.name} | ${memoryOfCreated(one, bundle)} |`);
  console.log('\n| where a traced `run` goes | ms |\n| --- | --- |');
  for (const [state, took] of phasesOfRun(own, bundle, folder, Math.ceil(rounds / 3)))
    console.log(`| ${state} | ${took.toFixed(2)} |`);
}

/** runc's default config, of a version that Debian's crun knows; on cgroup v2 without device rules: crun wants CAP_SYS_RESOURCE for them. */
function configFor(unified: boolean, args: string[] = ['true']): Config {
  const { process, linux, ...config } = shellConfig('');
  const { resources, ...rest } = linux ?? {};
  return {
    ...config,
    ociVersion: '1.0.2',
    process: { ...process, args },
    linux: unified ? rest : { ...rest, resources: resources ?? {} },
  };
}

/** What docker asks for with `--memory 256m --cpus 1 --pids-limit 100`; the benchmark's view of cgroup v2 may lack the controllers. */
function restrictedConfig(unified: boolean): Config {
  const { linux = {}, ...config } = configFor(unified);
  const seccomp = dockersProfile();
  if (seccomp === undefined) console.log("docker's default seccomp profile is not installed: without it");
  return {
    ...config,
    linux: {
      ...linux,
      ...(seccomp === undefined ? {} : { seccomp }),
      ...(unified
        ? {}
        : {
            resources: {
              ...linux.resources,
              memory: { limit: 256 << 20 },
              cpu: { shares: 1024, quota: 100_000, period: 100_000 },
              pids: { limit: 100 },
            },
          }),
    },
  };
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

function lifeOf(runtime: Runtime, bundle: string) {
  return {
    name: runtime.name,
    run() {
      invoke(runtime, 'create', '-b', bundle, 'bench');
      invoke(runtime, 'start', 'bench');
      invoke(runtime, 'delete', '--force', 'bench');
    },
  };
}

function withCreated(
  runtimes: readonly Runtime[],
  bundle: string,
  action: () => readonly Figures[],
): readonly Figures[] {
  for (const one of runtimes) invoke(one, 'create', '-b', bundle, 'kept');
  try {
    return action();
  } finally {
    for (const one of runtimes) invoke(one, 'delete', '--force', 'kept');
  }
}

/** In a process of its own, which knows nothing of this one. */
function library(bundle: string): Figures {
  const program = join(repository, 'bench/library.ts');
  const output = execFileSync(process.execPath, [program, join(states, 'library'), bundle, String(rounds * 3)], {
    encoding: 'utf8',
  });
  const times: number[] = JSON.parse(output);
  return { name: 'runchart', median: quantile(times, 0.5), best: quantile(times, 0) };
}

/** The same again where cgroup v2 alone is to be seen. */
function benchUnified(): void {
  const script = 'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$0" "$@"';
  const again = [process.execPath, import.meta.filename, String(rounds)];
  const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, ...again], {
    stdio: 'inherit',
    env: { ...process.env, [UNIFIED]: '1' },
  });
  if (status !== 0) console.log('not measured on cgroup v2: no mount namespace, or no cgroup v2');
}
