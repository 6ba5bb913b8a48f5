/** The container's cgroup, as the kernel shows it: in each hierarchy of v1, or in the one of v2. */

import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MOUNTED = '/sys/fs/cgroup';

export const hasUnifiedCgroups = (): boolean => existsSync(join(MOUNTED, 'cgroup.controllers'));

export class Cgroup {
  /** A directory at the top of each hierarchy. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  get isUnified(): boolean {
    return hasUnifiedCgroups();
  }

  /** Whether limits of processors and of processes can be set. */
  get hasLimits(): boolean {
    if (!this.isUnified) return existsSync(join(MOUNTED, 'cpu')) && existsSync(join(MOUNTED, 'pids'));
    const controllers = text(join(MOUNTED, 'cgroup.subtree_control'))?.trim().split(' ') ?? [];
    const available = text(join(MOUNTED, 'cgroup.controllers'))?.trim().split(' ') ?? [];
    return ['cpu', 'pids'].every((name) => controllers.includes(name) || available.includes(name));
  }

  /** The directories that are there now. */
  directories(): readonly string[] {
    return hierarchies()
      .map((hierarchy) => join(hierarchy, this.name))
      .filter((path) => existsSync(path));
  }

  /** The processes in it, and in cgroups below it. A zombie is none. */
  processes(): readonly number[] {
    const all = this.directories()
      .flatMap(below)
      .flatMap((path) => lines(join(path, 'cgroup.procs')));
    return [...new Set(all.map(Number))].filter((pid) => pid > 0 && !isZombie(pid));
  }

  /** Whether it is frozen. @returns undefined where there is no freezer */
  frozen(): boolean | undefined {
    const [v1] = this.#files('freezer.state');
    if (v1 !== undefined) return text(v1)?.trim() !== 'THAWED';
    const events = this.#files('cgroup.events').map((path) => text(path) ?? '');
    const v2 = events.find((one) => /^frozen /m.test(one));
    return v2 === undefined ? undefined : /^frozen 1$/m.test(v2);
  }

  /** A hybrid machine has both freezers, and runtimes use that of v1. */
  freeze(frozen: boolean): void {
    const [v1] = this.#files('freezer.state');
    if (v1 !== undefined) tryWrite(v1, frozen ? 'FROZEN' : 'THAWED');
    else for (const path of this.#files('cgroup.freeze')) tryWrite(path, frozen ? '1' : '0');
  }

  /** The files of this name in its directories. */
  #files(name: string): readonly string[] {
    return this.directories()
      .map((path) => join(path, name))
      .filter((path) => existsSync(path));
  }

  /** The limit of processes. @returns undefined where there is none */
  pidsLimit(): number | undefined {
    const [file] = this.#files('pids.max');
    const limit = Number(file === undefined ? Number.NaN : text(file));
    return Number.isNaN(limit) ? undefined : limit;
  }

  /** Removes the directories, the innermost first. Those with processes stay. */
  remove(): void {
    for (const path of this.directories().flatMap(below).toReversed()) {
      try {
        rmdirSync(path);
      } catch {
        // The next attempt may find it empty.
      }
    }
  }
}

function hierarchies(): readonly string[] {
  if (hasUnifiedCgroups()) return [MOUNTED];
  // Other names of a hierarchy are links.
  return readdirSync(MOUNTED, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(MOUNTED, name));
}

/** A directory, and all below it. */
function below(path: string): readonly string[] {
  try {
    const inner = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [path, ...inner.flatMap(({ name }) => below(join(path, name)))];
  } catch {
    return [];
  }
}

export function isZombie(pid: number): boolean {
  const stat = text(`/proc/${pid}/stat`);
  return stat === undefined || /^\d+ \(.*\) [ZX] /s.test(stat);
}

const lines = (path: string): readonly string[] => text(path)?.split('\n') ?? [];

/** @returns undefined if the file cannot be read, since what it tells of is gone */
export function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function tryWrite(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch {
    // The cgroup may be gone by now.
  }
}
