/** What there still is of a container, as the kernel tells it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { detectLayout } from '../../../effects/cgroups/layout.ts';
import { directoriesOf } from '../../../effects/cgroups/paths.ts';
import { planCgroup } from '../../../effects/cgroups/plan.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Place } from './scene.ts';

const PR_SET_CHILD_SUBREAPER = 36;
const P_PID = 1;
const WEXITED = 4;

/** Orphans of processes that this one starts become its own children: so they are seen, and reaped by whoever looks. */
export function adoptOrphans(): void {
  localKernel(loadLibc()).submit([{ name: 'prctl', args: [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0] }]);
}

export interface Watch {
  /** A line for each process, descriptor, cgroup, mount, file that is there and was not when the watch began. */
  remains(): readonly string[];
  /** The same, once it is nothing or some time has passed: an init takes a moment to notice that its command is gone. */
  remainsAtLast(milliseconds?: number): Promise<readonly string[]>;
}

/** @param spared children of this process that the test answers for, by pid: with any, this process's descriptors say nothing */
export function watch({ id, root, bundle }: Place, spared?: () => readonly number[]): Watch {
  const kernel = hostPlatform().local;
  const cgroups = directoriesOf(planCgroup({ id, layout: detectLayout(kernel) }));
  const folder = dirname(bundle);
  const look = (): string[] => [
    ...cgroups.filter((path) => existsSync(path)).map((path) => `cgroup ${path}`),
    ...(existsSync(join(root, id)) ? [`directory ${join(root, id)}: ${readdirSync(join(root, id)).join(' ')}`] : []),
    ...list(folder).map((path) => `file ${path}`),
    ...mounts()
      .filter((point) => point.startsWith(folder))
      .map((point) => `mount ${point}`),
    ...children()
      .filter((pid) => !spared?.().includes(pid))
      .flatMap(processLine),
    ...(spared === undefined ? descriptors() : []),
  ];
  const before = new Set(look());
  const remains = () => look().filter((line) => !before.has(line));
  return {
    remains,
    async remainsAtLast(milliseconds = 30_000) {
      const end = performance.now() + milliseconds;
      for (;;) {
        reapOrphans(kernel, spared?.() ?? []);
        const found = remains();
        if (found.length === 0 || performance.now() > end) return found;
        await setTimeout(2);
      }
    },
  };
}

/** Everything but the rootfs, which the container's program may write to, and the state root, which is looked at by itself. */
function list(folder: string): string[] {
  return readdirSync(folder).flatMap((name) =>
    name === 'state' ? [] : readdirSync(join(folder, name)).map((inner) => join(folder, name, inner)),
  );
}

const mounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');

export function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) =>
    (readFileSync(`/proc/self/task/${thread}/children`, 'utf8').match(/\d+/g) ?? []).map(Number),
  );
}

/** R, S, T, Z, …; undefined for a process that is not there. proc_pid_stat(5) */
export const stateOf = (pid: number): string | undefined => statOf(pid)?.state;

function statOf(pid: number): { readonly name: string; readonly state: string } | undefined {
  try {
    const [, name = '', state = ''] = /\((.*)\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, state };
  } catch {
    return undefined;
  }
}

function processLine(pid: number): string[] {
  const stat = statOf(pid);
  return stat === undefined ? [] : [`${stat.state === 'Z' ? 'zombie' : 'process'} ${pid} (${stat.name})`];
}

/** How many; which ones the engine opens for itself is its own affair. */
const descriptors = (): string[] => [`${readdirSync('/proc/self/fd').length} descriptors`];

function reapOrphans(kernel: ReturnType<typeof localKernel>, spared: readonly number[]): void {
  for (const pid of children()) {
    if (spared.includes(pid)) continue;
    kernel.submit([{ name: 'waitid', args: [P_PID, pid, null, WEXITED | 1, null], mayFail: true }]);
  }
}
