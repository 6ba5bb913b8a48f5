/** The directories of a container's cgroup. */

import { cleanInside } from '../../spec/paths.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { CgroupLayout } from './layout.ts';

export interface CgroupPlanInput {
  /** linux.cgroupsPath of config.json. */
  readonly cgroupsPath?: string | undefined;
  /** The container's id: the cgroup's name where config.json gives none. */
  readonly id: string;
  readonly layout: CgroupLayout;
  /** `--systemd-cgroup`: systemd makes the cgroup, and `cgroupsPath` is `slice:prefix:name`. */
  readonly systemd?: boolean;
  readonly rootless?: boolean;
  /**
   * Without root and with systemd: the ControlGroup that the user's manager tells. If it is absent, it is guessed from
   * this process's own cgroup.
   */
  readonly managerCgroup?: string;
}

/**
 * Resolves `.`, `..` and empty parts, so that a path cannot lead above where it starts. A relative one stays relative.
 */
export const cleanPath = (path: string): string =>
  path.startsWith('/') ? cleanInside(path) : cleanInside(path).slice(1);

/** A directory and those above it, the topmost first: `/a`, `/a/b`, `/a/b/c`. The root is left out. */
export function pathsDownTo(directory: string): readonly string[] {
  const parts = directory.split('/').slice(1);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
}

/** The directories of a cgroup, each once: controllers that are mounted together share a directory. */
export const directoriesOf = (record: CgroupRecord): readonly string[] => [...new Set(Object.values(record.paths))];

/** The v1 directories of a cgroup, each once. */
export const legacyDirectoriesOf = (record: CgroupRecord): readonly string[] => [
  ...new Set(Object.entries(record.paths).flatMap(([key, path]) => (key === 'unified' ? [] : [path]))),
];

/** The directory whose processes are taken for the container's. */
export const memberDirectory = ({ layout, paths }: CgroupRecord): string | undefined =>
  layout === 'v2' ? paths.unified : (paths.devices ?? paths.pids ?? Object.values(paths)[0]);
