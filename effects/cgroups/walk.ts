/**
 * The way through a cgroup and all that is below it. A container can nest cgroups until their paths are longer than
 * PATH_MAX, and make thousands of them below or beside each other. So each one is opened by its name from the one above
 * it, only a few descriptors are open at a time, and nothing here calls itself.
 */

import { directoryNames, entryBuffer, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { isSameFile } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out, result } from '../../native/kernel/struct.ts';
import { CgroupError } from './files.ts';

export interface Visitor {
  /**
   * The walk has come to a cgroup; those below it come later.
   * @param directory its descriptor
   * @param below the names of those directly below it
   * @returns the names of those that are to be visited
   */
  enter(directory: number, below: readonly FileName[]): readonly FileName[];
  /** All below a cgroup has been visited. Not called for the topmost one. @param parent the descriptor of the one above it */
  leave?(parent: number, name: FileName): void;
}

/**
 * Visits a cgroup and those below it, parents first. Those that vanish meanwhile are left out.
 * @param limit of cgroups
 * @returns false where there is no such cgroup
 * @throws CgroupError where one cannot be opened or read, or there are more than `limit`
 */
export const walkCgroups = (kernel: Kernel, top: string, visitor: Visitor, limit = MAX_VISITED): boolean =>
  new Walk(kernel, top, visitor, limit).run();

/** A cgroup on the way from the topmost one to where the walk is. */
interface Level {
  /** Below the level above. */
  readonly name: FileName;
  /** Its descriptor; undefined while the walk is so far below that it was closed. */
  fd: number | undefined;
  /** What statx(2) told of it when it was closed. */
  stat?: Out;
  /** Those directly below it that are still to be visited, the next one last. */
  readonly left: FileName[];
}

/** The lowest levels stay open: to close them earlier would be as right, but costs opening `..` more often. */
const OPEN_LEVELS = 4;
/**
 * More than the memory of a host allows, or else a container could not be deleted. But a tree that grows while it is walked must not
 * hold the walk for ever.
 */
const MAX_VISITED = 10_000_000;

class Walk {
  readonly #kernel: Kernel;
  readonly #top: string;
  readonly #visitor: Visitor;
  readonly #levels: Level[] = [];
  readonly #entries = entryBuffer();
  readonly #limit: number;
  #visited = 0;

  constructor(kernel: Kernel, top: string, visitor: Visitor, limit: number) {
    this.#limit = limit;
    this.#kernel = kernel;
    this.#top = top;
    this.#visitor = visitor;
  }

  run(): boolean {
    try {
      if (!this.#descend(AT.FDCWD, this.#top)) return false;
      for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
        const name = level.left.pop();
        if (name === undefined) this.#ascend(level);
        else if (level.fd !== undefined) this.#descend(level.fd, name);
      }
      return true;
    } finally {
      for (const { fd } of this.#levels) this.#close(fd);
    }
  }

  /** @returns false where it is gone */
  #descend(parent: number, name: FileName): boolean {
    if (++this.#visited > this.#limit)
      throw this.#error(`give up on ${this.#top}, in which there are more than ${this.#limit} cgroups`, 0);
    const fd = attempt(this.#kernel, openat(parent, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
    if (isGone(fd)) return false;
    if (fd < 0) throw this.#error(`open ${this.#where()}`, -fd);
    const entries = readEntries(this.#kernel, fd, this.#entries);
    if (typeof entries === 'number' && !isGone(entries)) {
      this.#close(fd);
      throw this.#error(`read ${this.#where()}`, -entries);
    }
    const level: Level = { name, fd, left: [] };
    this.#levels.push(level);
    this.#closeFar();
    const below = typeof entries === 'number' ? [] : directoryNames(entries);
    // Not by spreading: they can be more than a call takes arguments.
    for (const one of this.#visitor.enter(fd, below).toReversed()) level.left.push(one);
    return true;
  }

  #ascend(level: Level): void {
    const parent = this.#levels.at(-2);
    if (parent !== undefined) this.#reopen(parent, level);
    this.#levels.pop();
    this.#close(level.fd);
    if (parent?.fd !== undefined) this.#visitor.leave?.(parent.fd, level.name);
  }

  #closeFar(): void {
    const far = this.#levels.at(-1 - OPEN_LEVELS);
    if (far?.fd === undefined) return;
    far.stat = out(STATX_BYTES);
    const [told = -1] = this.#kernel.submit([statx(far.fd, '', far.stat)]).results;
    if (told < 0) throw this.#error(`statx of a cgroup in ${this.#top}`, -told);
    this.#close(far.fd);
    far.fd = undefined;
  }

  /** From the level below it, by `..`. Should that lead elsewhere, it is unknown where the walk is, and it ends. */
  #reopen(level: Level, below: Level): void {
    if (level.fd !== undefined || level.stat === undefined || below.fd === undefined) return;
    const stat = out(STATX_BYTES);
    const { results, stoppedAt } = this.#kernel.submit([
      openat(below.fd, '..', O.RDONLY | O.DIRECTORY),
      statx(result(0), '', stat),
    ]);
    const [fd = -1] = results;
    if (fd >= 0) level.fd = fd;
    const errno =
      stoppedAt !== undefined ? -(results[stoppedAt] ?? 0) : isSameFile(stat, level.stat) ? 0 : ERRNO.ESTALE;
    if (errno > 0) throw this.#error(`go back up from ${this.#where()}`, errno);
  }

  #close(fd: number | undefined): void {
    if (fd !== undefined) attempt(this.#kernel, close(fd));
  }

  /** The names would be too long for a message. */
  #where(): string {
    const depth = this.#levels.length;
    return depth === 0 ? this.#top : `a cgroup ${depth} level(s) below ${this.#top}`;
  }

  #error(what: string, errno: number): CgroupError {
    return new CgroupError(what, this.#top, errno);
  }
}

const isGone = (value: number): boolean => value === -ERRNO.ENOENT || value === -ERRNO.ENODEV;
