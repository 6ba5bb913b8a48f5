/** What is left of a container, as the kernel shows it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { detectLayout } from '../../../effects/cgroups/layout.ts';
import { directoriesOf } from '../../../effects/cgroups/paths.ts';
import { planCgroup } from '../../../effects/cgroups/plan.ts';
import { SIGINFO_BYTES, waitid } from '../../../native/calls/process.ts';
import { P, W } from '../../../native/constants/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { out } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Place } from './scene.ts';

const PR_SET_CHILD_SUBREAPER = 36;

/** Makes orphans of the processes that this one starts its own children. So `watch` sees them, and reaps them. */
export function adoptOrphans(): void {
  localKernel(loadLibc()).submit([{ name: 'prctl', args: [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0] }]);
}

export interface Watch {
  /** A line for each process, descriptor, cgroup, mount and file that was not there when the watch began. */
  remains(): readonly string[];
  /**
   * Waits until nothing remains, or some time has passed: an init takes a moment to notice that its command is gone.
   */
  remainsAtLast(milliseconds?: number): Promise<readonly string[]>;
}

/**
 * @param spared pids of children that belong to the test. Where it is given, the descriptors of this process are not
 * looked at
 */
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

/**
 * Lists the folder of a container: neither the rootfs, which the program may write to, nor the state root, which is
 * looked at elsewhere.
 */
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

/** The state of a process (proc_pid_stat(5)): R, S, T, Z, …; undefined where there is no such process. */
export const processState = (pid: number): string | undefined => statOf(pid)?.state;

function statOf(pid: number): { readonly name: string; readonly state: string } | undefined {
  try {
    const [, name = '', state = ''] = /\((.*)\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, state };
  } catch {
    return undefined;
  }
}

/** What a process is, in a line; none where it is gone. */
export function processLine(pid: number): string[] {
  const stat = statOf(pid);
  return stat === undefined ? [] : [`${stat.state === 'Z' ? 'zombie' : 'process'} ${pid} (${stat.name})`];
}

/** The number of descriptors alone, since the engine opens some for itself. */
const descriptors = (): string[] => [`${readdirSync('/proc/self/fd').length} descriptors`];

/** Reaps this process's children that have ended, but for those that are spared: Node reaps what it started itself. */
export function reapOrphans(kernel: Kernel, spared: readonly number[]): void {
  for (const pid of children()) {
    if (spared.includes(pid)) continue;
    kernel.submit([{ ...waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED | W.NOHANG), mayFail: true }]);
  }
}
