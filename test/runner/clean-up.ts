/** Removes what a test run that failed or was interrupted has left: its processes, cgroups, mounts and files. */

import { spawnSync } from 'node:child_process';
import { existsSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { namesIn, subdirectories, textOf } from '../integration/gone-meanwhile.ts';

/** How often it is tried, each time a tenth of a second later: what ends takes its time on a busy machine. */
const ATTEMPTS = 100;

/** Ends the processes that have the run's list of pids in their environment: tests, and all that these started. */
export async function endProcesses(pidsFile: string): Promise<void> {
  await untilNone(() => namesIn('/proc').filter((name) => isOfRun(name, pidsFile)));
}

function isOfRun(name: string, pidsFile: string): boolean {
  if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
  return textOf(`/proc/${name}/environ`).split('\0').includes(`RUNCHART_TEST_PIDS=${pidsFile}`);
}

/** @param left lines of leftovers() (test/integration/leftovers.ts) */
export async function removeLeft(left: readonly string[]): Promise<void> {
  const named = (kind: string): string[] =>
    left.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  for (const cgroup of named('cgroup')) await removeCgroup(cgroup);
  // The innermost first.
  for (const point of named('mount').toSorted().toReversed()) spawnSync('umount', ['--lazy', point]);
}

/** Through a mount that is left, removal would reach the files of the host. */
export function removeFolder(folder: string): void {
  if (!textOf('/proc/self/mountinfo').includes(` ${folder}/`)) rmSync(folder, { recursive: true, force: true });
}

async function removeCgroup(path: string): Promise<void> {
  // On cgroup v1, a frozen process does not end before it is thawed.
  thaw(path);
  await untilNone(() => processesIn(path));
  try {
    removeTree(path);
  } catch {
    // It may be gone, or in use by others. The caller looks again at what is left.
  }
}

function thaw(path: string): void {
  for (const name of subdirectories(path)) thaw(join(path, name));
  if (existsSync(join(path, 'freezer.state'))) writeFileSync(join(path, 'freezer.state'), 'THAWED');
}

function processesIn(path: string): string[] {
  const own = textOf(join(path, 'cgroup.procs')).split('\n').filter(Boolean);
  return [...own, ...subdirectories(path).flatMap((name) => processesIn(join(path, name)))];
}

function removeTree(path: string): void {
  for (const name of subdirectories(path)) removeTree(join(path, name));
  rmdirSync(path);
}

async function untilNone(find: () => readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pids = find();
    if (pids.length === 0) return;
    for (const pid of pids) kill(Number(pid));
    await setTimeout(100);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
