/** What an engine and its runtime must not leave on the machine, and how to remove what they leave by design. */

import { existsSync, rmdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, subdirectories, textOf } from '../integration/gone-meanwhile.ts';

const CGROUPS = '/sys/fs/cgroup';
const TMPFS_MAGIC = 0x01021994;
/** Folders where engines and runtimes put what outlives their processes, and the names that would be theirs. */
const SHARED: readonly (readonly [folder: string, name: RegExp])[] = [
  ['/run', /^(containerd|docker|docker\.sock|libpod)$/],
  ['/run/netns', /./],
  ['/run/runc', /^[0-9a-f]{64}$/],
  ['/run/runchart', /^[0-9a-f]{64}$/],
  ['/dev/shm', /^libpod_/],
];

/** The names in the folders that all of the machine shares. Compare two of these sets. */
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
 * What one engine has: processes that name its folder (clients, daemons, monitors, shims, runtimes) or are in its
 * cgroup; mounts below the folder; and cgroups inside its cgroup, except those that podman keeps for monitors.
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

/**
 * Ends the processes of one namespace of an engine: those that name the folder and the namespace, and those in its
 * cgroup.
 */
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
    // Engines also make folders and files where a controller would be that is not mounted.
    if (existsSync(path) && statfsSync(path).type === TMPFS_MAGIC) rmSync(path, { recursive: true });
    for (const inner of [...below(path).toReversed(), path]) if (existsSync(inner)) rmdirSync(inner);
  }
}

/**
 * Folders that engines use whatever their configuration says: for the sockets of containerd's shims, for the FIFOs of
 * what ctr restores, for the state of the runc that cleans up after a failure, and for plug-ins of dockerd.
 */
const ENGINE_FOLDERS = [
  ...['/run/containerd/s', '/run/containerd/fifo', '/run/containerd/runc', '/run/containerd'],
  ...['/run/docker/plugins', '/run/docker'],
];

/**
 * @returns a function that removes the folders that were not there before. It leaves those that are not empty, since
 * another containerd may have come.
 */
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

const hierarchies = (): string[] =>
  existsSync(join(CGROUPS, 'cgroup.controllers'))
    ? [CGROUPS]
    : subdirectories(CGROUPS).map((name) => join(CGROUPS, name));

/** Every folder comes before those inside it. */
const below = (parent: string): string[] =>
  subdirectories(parent).flatMap((name) => [join(parent, name), ...below(join(parent, name))]);

function processes(): { readonly pid: number; readonly command: string }[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), command: textOf(`/proc/${name}/cmdline`).replaceAll('\0', ' ') }));
}
