/** What an engine and its runtime must not leave on the machine, and how what they leave by design is removed. */

import { existsSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, subdirectories, textOf } from '../integration/gone-meanwhile.ts';

const CGROUPS = '/sys/fs/cgroup';
const TMPFS_MAGIC = 0x01021994;
/** Where engines and runtimes put things that outlive their processes, and what of it would be theirs. */
const SHARED: readonly (readonly [folder: string, name: RegExp])[] = [
  ['/run', /^(containerd|docker|docker\.sock|libpod)$/],
  ['/run/netns', /./],
  ['/run/runc', /^[0-9a-f]{64}$/],
  ['/run/runchart', /^[0-9a-f]{64}$/],
  ['/dev/shm', /^libpod_/],
];

/** What is in the folders that all of the machine shares; compare two of them. */
export function sharedNames(): ReadonlySet<string> {
  return new Set(
    SHARED.flatMap(([folder, name]) =>
      namesIn(folder)
        .filter((entry) => name.test(entry))
        .map((entry) => join(folder, entry)),
    ),
  );
}

/**
 * Of one engine: processes that name its folder (clients, daemons, monitors, shims, runtimes) or are in its cgroup,
 * mounts below the folder, cgroups in its cgroup but for those that podman keeps for monitors.
 * @param cgroup the name of a cgroup at the top of each hierarchy
 */
export function footprint(folder: string, cgroup: string): string[] {
  return [
    ...processes()
      .filter(({ pid, command }) => command.includes(`${folder}/`) || isInside(pid, cgroup))
      .map(({ pid, command }) => `process ${pid}: ${command}`),
    ...mountsBelow(folder).map((point) => `mount ${point}`),
    ...hierarchies()
      .flatMap((hierarchy) => below(join(hierarchy, cgroup)).filter((path) => !path.endsWith('/conmon')))
      .map((path) => `cgroup ${path}`),
  ];
}

const isInside = (pid: number, cgroup: string): boolean =>
  new RegExp(`:/${cgroup}(/|$)`, 'm').test(textOf(`/proc/${pid}/cgroup`));

/** Ends the processes of one engine's namespace: those that name the folder and it, and those in its cgroup. */
export function endAll(folder: string, namespace: string): void {
  for (const { pid, command } of processes())
    if ((command.includes(`${folder}/`) && command.includes(namespace)) || isInside(pid, namespace))
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
}

/** Mount points, the innermost first. */
export function mountsBelow(folder: string): string[] {
  return textOf('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`))
    .toReversed();
}

/** Removes a cgroup at the top of each hierarchy, and all below it; none may hold a process. */
export function removeCgroup(cgroup: string): void {
  for (const hierarchy of hierarchies()) {
    const path = join(hierarchy, cgroup);
    // Engines make folders and files in the place of a controller that is not mounted, too.
    if (existsSync(path) && statfsSync(path).type === TMPFS_MAGIC) rmSync(path, { recursive: true });
    for (const inner of [...below(path).toReversed(), path]) if (existsSync(inner)) rmdirSync(inner);
  }
}

/** Where containerd's shims put sockets, ctr the FIFOs of what it restores, and the state of the runc that cleans up after a failure, whatever its configuration says; and where dockerd's plug-ins would be. */
const ENGINE_FOLDERS = [
  ...['/run/containerd/s', '/run/containerd/fifo', '/run/containerd/runc', '/run/containerd'],
  ...['/run/docker/plugins', '/run/docker'],
];

/** @returns what removes those that were not there before, as far as they are empty: another containerd may have come */
export function engineFolders(): (namespaces?: readonly string[]) => void {
  const foreign = ENGINE_FOLDERS.filter((path) => existsSync(path));
  return (namespaces = []) => {
    const own = ENGINE_FOLDERS.filter((path) => !foreign.includes(path));
    for (const path of [...namespaces.map((name) => join('/run/containerd/runc', name)), ...own])
      try {
        rmdirSync(path);
      } catch {}
  };
}

/** What is still there after a while: monitors and shims clean up after their containers by themselves. */
export async function lasting(look: () => string[]): Promise<string[]> {
  let left = look();
  for (let tries = 0; left.length > 0 && tries < 300; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    left = look();
  }
  return left;
}

const hierarchies = (): string[] =>
  existsSync(join(CGROUPS, 'cgroup.controllers'))
    ? [CGROUPS]
    : subdirectories(CGROUPS).map((name) => join(CGROUPS, name));

/** A folder comes before those in it. */
const below = (parent: string): string[] =>
  subdirectories(parent).flatMap((name) => [join(parent, name), ...below(join(parent, name))]);

function processes(): { readonly pid: number; readonly command: string }[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), command: textOf(`/proc/${name}/cmdline`).replaceAll('\0', ' ') }));
}
