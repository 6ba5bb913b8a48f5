/** What containers of one test file must not leave behind. It is found by the names that the file gives them. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { namesIn, subdirectories, targetOf, textOf } from './gone-meanwhile.ts';
import { PATIENCE } from './patience.ts';

/**
 * @param prefix the beginning of every container's id in the test file
 * @param folder the folder of the test file, with its state root in `state`
 * @returns a line for each process, cgroup, mount and container that is still there
 */
export function remains(prefix: string, folder: string): string[] {
  const ours = new RegExp(`/${prefix.replace(/[.+]/g, '\\$&')}`);
  return [
    ...namesIn('/proc')
      .filter((name) => /^\d+$/.test(name) && (ours.test(textOf(`/proc/${name}/cgroup`)) || isOurInit(name)))
      .map((pid) => `process ${pid}: ${textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`),
    ...cgroups('/sys/fs/cgroup', ours, 0),
    ...textOf('/proc/self/mountinfo')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((point) => point.startsWith(folder) || ours.test(point))
      .map((point) => `mount ${point}`),
    ...containersIn(join(folder, 'state')).map((name) => `container ${name}`),
    ...devicesThatDiffer(),
  ];
}

/** Everybody's, and root's. A runtime that gives a container its pipes must not give away what is no pipe. */
const DEVICES: Readonly<Record<string, number>> = {
  '/dev/null': 0,
  '/dev/zero': 0,
  '/dev/full': 0,
  '/dev/random': 0,
  '/dev/urandom': 0,
  '/dev/tty': 5,
};

/** @returns a line for each device of the host’s whose type, owner or mode is not the usual one */
export function devicesThatDiffer(): string[] {
  return Object.entries(DEVICES).flatMap(([path, gid]) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const right =
      stat.isCharacterDevice() && stat.uid === 0 && [0, gid].includes(stat.gid) && (stat.mode & 0o777) === 0o666;
    return right ? [] : [`device ${path} of ${stat.uid}:${stat.gid}, mode ${(stat.mode & 0o7777).toString(8)}`];
  });
}

/** What is in a state root, without the failures that are kept for `explain`. */
export const containersIn = (root: string): readonly string[] =>
  namesIn(root).filter((name) => name !== '@failures.jsonl');

/** The same, once it is empty or a while has passed. The host's init takes its time to reap orphans. */
export async function remainsAtLast(prefix: string, folder: string): Promise<string[]> {
  let found = remains(prefix, folder);
  for (let tries = 0; found.length > 0 && tries < 600 * PATIENCE; tries++) {
    await setTimeout(50);
    found = remains(prefix, folder);
  }
  return found;
}

/** Whether it is an init or a stage that this process has started, in whatever cgroup. */
const isOurInit = (pid: string): boolean =>
  targetOf(`/proc/${pid}/exe`).startsWith('/memfd:runchart-init') &&
  new RegExp(`^PPid:\t${process.pid}$`, 'm').test(textOf(`/proc/${pid}/status`));

function cgroups(parent: string, ours: RegExp, depth: number): string[] {
  if (depth > 8) return [];
  return subdirectories(parent).flatMap((name) => {
    const path = join(parent, name);
    return ours.test(`/${name}`) ? [`cgroup ${path}`] : cgroups(path, ours, depth + 1);
  });
}
