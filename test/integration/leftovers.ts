/**
 * What tests with real containers must not leave behind. The names of containers, cgroups and folders that tests make
 * begin with `runchart-test-`.
 */
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { namesIn, subdirectories, targetOf, textOf } from './gone-meanwhile.ts';
import { devicesThatDiffer } from './nothing-left.ts';

const MARK = 'runchart-test-';
const CGROUPS = '/sys/fs/cgroup';

/**
 * Processes as `pid 12 (comm) in /cgroup`, mounts as `mount /path`, cgroups as `cgroup /path`, and files as `file
 * /path`.
 */
type Traces = ReadonlySet<string>;

/**
 * @param dists the folders of the executable under test
 * @param folder where the tests' temporary files go
 */
export function traces(dists: readonly string[], folder: string): Traces {
  return new Set([
    ...processes(dists),
    ...mounts(folder),
    ...cgroups(CGROUPS, 0),
    ...namesIn(folder).map((name) => `file ${join(folder, name)}`),
    ...devicesThatDiffer(),
  ]);
}

/**
 * What is there now and was not there before.
 * @param pids the test processes of this run; what is named after another process belongs to another run
 */
export function leftovers(before: Traces, after: Traces, pids: ReadonlySet<string>): string[] {
  const foreign = (trace: string) => {
    const maker = /runchart-test-(\d+)-/.exec(trace)?.[1];
    return maker !== undefined && !pids.has(maker);
  };
  return [...after].filter((trace) => !before.has(trace) && !foreign(trace));
}

/** What is there now and is still there after a while: what ends takes a moment, and others may run tests, too. */
export async function lasting(look: () => string[]): Promise<string[]> {
  let left = look();
  for (let attempt = 0; attempt < 300 && left.length > 0; attempt++) {
    await setTimeout(100);
    const now = new Set(look());
    left = left.filter((trace) => now.has(trace));
  }
  return left;
}

/** Processes of the runtime, and the inits that it started. The program of a container is found by its cgroup. */
function processes(dists: readonly string[]): string[] {
  const beginnings = [...dists.map((dist) => `${dist}/`), '/memfd:runchart'];
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => beginnings.some((start) => targetOf(`/proc/${pid}/exe`).startsWith(start)))
    .map((pid) => `pid ${pid} (${textOf(`/proc/${pid}/comm`).trim()}) in ${cgroupOf(pid)}`);
}

function cgroupOf(pid: string): string {
  return /\/runchart-test-[^/\n]*/.exec(textOf(`/proc/${pid}/cgroup`))?.[0] ?? 'no cgroup of tests';
}

/** Folders beside this run's belong to other runs. */
function mounts(folder: string): string[] {
  const foreign = join(dirname(folder), MARK);
  return textOf('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`) || (point.includes(`/${MARK}`) && !point.startsWith(foreign)))
    .map((point) => `mount ${point}`);
}

/** Looks as deep as tests make cgroups: controller, parents, and a few of ours. */
function cgroups(parent: string, depth: number): string[] {
  if (depth > 8) return [];
  return subdirectories(parent).flatMap((name) => {
    const path = join(parent, name);
    return name.startsWith(MARK) ? [`cgroup ${path}`] : cgroups(path, depth + 1);
  });
}
