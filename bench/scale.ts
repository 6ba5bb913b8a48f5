/**
 * `npm run bench:scale`: runchart beside runc and crun with configs of thousands of entries, many containers, many
 * processes and many cgroups, on cgroup v2.
 *
 *   scale.ts [ROUNDS]
 *
 * It takes some minutes, most of them to make what is measured. Compare ratios, as in bench.ts.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../build/compiler.ts';
import type { Config, Hooks } from '../spec/types.ts';
import { makeBundle } from '../test/integration/bundle.ts';
import { plainConfig } from './configs.ts';
import { type Figures, measure, table } from './measure.ts';
import { invoke, type Runtime, runtimeAt } from './runtimes.ts';
import { openStopwatch } from './stopwatch.ts';

/** Set in the mount namespace that shows cgroup v2 alone. */
const OWN_VIEW = 'RUNCHART_BENCH_UNIFIED';
const CGROUPS = '/sys/fs/cgroup';
const BINDS = [1, 100, 1_000, 10_000, 20_000];
const CONTAINERS = 1_000;
const PROCESSES = 10_000;
/** Above each cgroup lies another one, or the container's. */
const TREE = { wide: 40, deep: 25 } as const;
const PROGRAM = join(import.meta.dirname, '../dist/runchart');

const rounds = Number(process.argv[2] ?? 5);
if (process.getuid?.() !== 0) {
  console.error('bench: containers need root here');
  process.exit(1);
}
if (existsSync(`${CGROUPS}/cgroup.controllers`)) scale();
else process.exitCode = inUnifiedView();

function inUnifiedView(): number {
  const script = `umount -R ${CGROUPS} && mount -t cgroup2 cgroup2 ${CGROUPS} && exec "$0" "$@"`;
  const again = [process.execPath, import.meta.filename, String(rounds)];
  const env = { ...process.env, [OWN_VIEW]: '1' };
  return spawnSync('unshare', ['--mount', 'sh', '-c', script, ...again], { stdio: 'inherit', env }).status ?? 1;
}

function scale(): void {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-bench-'));
  const states = mkdtempSync('/run/runchart-bench-');
  try {
    const stopwatch = openStopwatch(states);
    const paths = { runchart: PROGRAM, runc: findProgram('runc'), crun: findProgram('crun') };
    const runtimes = Object.entries(paths).flatMap(([name, path]) =>
      runtimeAt(name, path, join(states, name), stopwatch),
    );
    const names = runtimes.slice(1).map(({ name }) => name);
    console.log(runtimes.map(({ version }) => version).join(', '));
    for (const [title, figures] of measurements(folder, runtimes)) console.log(`\n${table(title, figures, names)}`);
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(states, { recursive: true, force: true });
  }
}

function* measurements(folder: string, runtimes: readonly Runtime[]): Generator<[string, readonly Figures[]]> {
  for (const [title, config] of largeConfigs(folder)) {
    const bundle = makeBundle(join(folder, `bundle-${title.replaceAll(/\W/g, '-')}`), config);
    const run = (runtime: Runtime) => ({
      name: runtime.name,
      run: () => invoke(runtime, 'run', '-b', bundle, 'bench'),
    });
    const able = runtimes.filter((runtime) => works(runtime, bundle));
    yield [`\`run\` with ${title}`, measure(able.map(run), rounds)];
    rmSync(bundle, { recursive: true });
  }
  const sleeping = makeBundle(join(folder, 'sleeping'), plainConfig(true, ['sleep', '100000']));
  yield [`\`list\` of ${CONTAINERS} containers`, listing(runtimes, sleeping)];
  yield [`\`ps\` of ${PROCESSES} processes`, processes(runtimes, folder)];
  yield [`\`delete --force\` of ${TREE.wide * TREE.deep} cgroups`, trees(runtimes, sleeping)];
}

function works(runtime: Runtime, bundle: string): boolean {
  try {
    invoke(runtime, 'run', '-b', bundle, 'try');
    return true;
  } catch (error) {
    console.log(`\n${runtime.name} is left out: ${error instanceof Error ? error.message : error}`);
    remove(runtime, 'try');
    return false;
  }
}

function* largeConfigs(folder: string): Generator<[string, Config]> {
  const config = plainConfig(true);
  const { process: own, linux = {} } = config;
  if (own === undefined) throw new TypeError('the plain config has a process');
  const source = (i: number): string => join(folder, 'sources', String(i));
  mkdirSync(join(folder, 'sources'));
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
  for (const i of numbers(Math.max(...BINDS))) writeFileSync(source(i), '');
  for (const count of BINDS) {
    const binds = numbers(count).map((i) => ({
      destination: `/mnt/${i}`,
      type: 'bind',
      source: source(i),
      options: ['rbind', 'ro'],
    }));
    yield [`${count} binds`, { ...config, mounts: [...(config.mounts ?? []), ...binds] }];
  }
  const env = numbers(10_000).map((i) => `VARIABLE_${i}=${'x'.repeat(50)}`);
  yield ['10000 variables', { ...config, process: { ...own, env: [...(own.env ?? []), ...env] } }];
  const devices = numbers(5_000).map((i) => ({ path: `/dev/null${i}`, type: 'c' as const, major: 1n, minor: 3n }));
  yield ['5000 devices', { ...config, linux: { ...linux, devices } }];
  // Names that no kernel has, which a runtime passes over: a filter has at most 4096 instructions.
  const names = numbers(20_000).map((i) => `not_a_system_call_of_any_kernel_${i}`);
  const syscalls = [{ names: ['acct', ...names], action: 'SCMP_ACT_ERRNO' as const }];
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' as const, architectures: [], syscalls };
  yield ['a seccomp profile of 0.8 MB', { ...config, linux: { ...linux, seccomp } }];
  const hook = { path: '/bin/true', args: ['true'] };
  const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];
  const hooks: Hooks = Object.fromEntries(kinds.map((kind) => [kind, numbers(100).map(() => hook)]));
  yield ['100 hooks of each kind', { ...config, hooks }];
}

function listing(runtimes: readonly Runtime[], bundle: string): readonly Figures[] {
  const ids = Array.from({ length: CONTAINERS }, (_, i) => `many-${i}`);
  try {
    for (const runtime of runtimes)
      for (const id of ids) invoke(runtime, 'run', '--detach', '-b', bundle, `${runtime.name}-${id}`);
    return measure(
      runtimes.map((runtime) => ({ name: runtime.name, run: () => invoke(runtime, 'list') })),
      rounds,
    );
  } finally {
    for (const runtime of runtimes) for (const id of ids) remove(runtime, `${runtime.name}-${id}`);
  }
}

/** One container at a time: 10,000 processes for each runtime would be 30,000. */
function processes(runtimes: readonly Runtime[], folder: string): readonly Figures[] {
  const script = `i=0; while [ $i -lt ${PROCESSES} ]; do sleep 100000 & i=$((i + 1)); done; wait`;
  const bundle = makeBundle(join(folder, 'crowd'), plainConfig(true, ['sh', '-c', script]));
  return runtimes.flatMap((runtime) => {
    try {
      invoke(runtime, 'run', '--detach', '-b', bundle, 'crowd');
      const count = (): number => readFileSync(`${CGROUPS}/crowd/cgroup.procs`, 'utf8').split('\n').length;
      for (let before = 0, now = 1; now > before && now < PROCESSES; before = now, now = count()) pause(1_000);
      return measure([{ name: runtime.name, run: () => invoke(runtime, 'ps', 'crowd') }], rounds);
    } finally {
      remove(runtime, 'crowd');
    }
  });
}

function trees(runtimes: readonly Runtime[], bundle: string): readonly Figures[] {
  const grow = (runtime: Runtime): void => {
    invoke(runtime, 'run', '--detach', '-b', bundle, 'tree');
    for (let i = 0; i < TREE.wide; i++)
      for (let j = 1; j < TREE.deep; j++) mkdirSync(`${CGROUPS}/tree/${i}/${j}`, { recursive: true });
  };
  return runtimes.flatMap((runtime) => {
    grow(runtime);
    const sample = { name: runtime.name, run: () => invoke(runtime, 'delete', '--force', 'tree') };
    const figures = measure([{ ...sample, between: () => grow(runtime) }], rounds);
    remove(runtime, 'tree');
    return figures;
  });
}

function remove({ command }: Runtime, id: string): void {
  const [program = '', ...options] = command;
  spawnSync(program, [...options, 'delete', '--force', id], { stdio: 'ignore' });
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
