/**
 * Walks through a cgroup and all that is below it. A container can nest cgroups until their paths are longer than
 * PATH_MAX, and it can make thousands of them below or beside each other. So the walk opens each cgroup by its name
 * from the one above it, keeps only a few descriptors open at a time, and does not recurse.
 */

import { directoryNames, entryBuffer, type FileName, readEntries } from '../../native/calls/directory-entries.ts';
import { openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { isSameFile } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { CgroupError, CgroupFileError, isGone } from './error.ts';

export interface Visitor {
  /**
   * The walk has come to a cgroup. It visits those below it later.
   * @param directory the cgroup's descriptor, which the walk closes
   * @param below the names of the cgroups directly below it
   * @returns the names of those that are to be visited
   */
  enter(directory: Fd, below: readonly FileName[]): readonly FileName[];
  /**
   * The walk has visited all cgroups below this one. It does not call this for the topmost cgroup.
   * @param parent the descriptor of the cgroup above it
   */
  leave?(parent: Fd, name: FileName): void;
}

/**
 * Visits a cgroup and those below it, parents first. It leaves out cgroups that vanish meanwhile.
 * @param limit how many cgroups it visits at most
 * @returns false where there is no such cgroup
 * @throws CgroupFileError where one cannot be opened or read
 * @throws CgroupError where there are more than `limit`
 */
export function walkCgroups(kernel: Kernel, top: string, visitor: Visitor, limit = MAX_VISITED): boolean {
  using walk = new Walk(kernel, top, visitor, limit);
  return walk.run();
}

/** A cgroup on the way from the topmost one to where the walk is. */
interface Level {
  /** Its name in the level above. */
  readonly name: FileName;
  /** Its directory; undefined while it is closed because the walk is far below it. */
  directory: Owned | undefined;
  /** What statx(2) told of it before it was closed. */
  stat?: Out;
  /** The cgroups directly below it that are still to be visited, the next one last. */
  readonly left: FileName[];
}

/** So many of the lowest levels stay open. Fewer would do as well, but the walk would open `..` more often. */
const OPEN_LEVELS = 4;
/**
 * The memory of a host holds fewer cgroups than this, so no container is kept from being deleted. The limit is there
 * for a tree that grows while it is walked: it must not hold the walk for ever.
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
    if (!this.#descend(AT.FDCWD, this.#top)) return false;
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const name = level.left.pop();
      if (name === undefined) this.#ascend(level);
      else if (level.directory !== undefined) this.#descend(level.directory.fd, name);
    }
    return true;
  }

  [Symbol.dispose](): void {
    for (const { directory } of this.#levels) directory?.[Symbol.dispose]();
  }

  /** @returns false where the cgroup is gone */
  #descend(parent: Fd, name: FileName): boolean {
    if (++this.#visited > this.#limit)
      throw new CgroupError(`give up on ${this.#top}, in which there are more than ${this.#limit} cgroups`);
    const depth = this.#levels.length;
    const fd = attempt(this.#kernel, openat(parent, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW));
    if (isGone(fd)) return false;
    if (fd < 0) throw this.#error(`open ${this.#cgroupAt(depth)}`, -fd);
    const level: Level = { name, directory: new Owned(this.#kernel, fd), left: [] };
    this.#levels.push(level);
    const entries = readEntries(this.#kernel, fd, this.#entries);
    if (typeof entries === 'number' && !isGone(entries)) throw this.#error(`read ${this.#cgroupAt(depth)}`, -entries);
    this.#closeFar();
    const below = typeof entries === 'number' ? [] : directoryNames(entries);
    // A loop, since there can be more names than a call takes arguments.
    for (const one of this.#visitor.enter(fd, below).toReversed()) level.left.push(one);
    return true;
  }

  #ascend(level: Level): void {
    const parent = this.#levels.at(-2);
    if (parent !== undefined) this.#reopen(parent, level);
    this.#levels.pop();
    level.directory?.[Symbol.dispose]();
    if (parent?.directory !== undefined) this.#visitor.leave?.(parent.directory.fd, level.name);
  }

  /** Closes the level that the walk is now far below. */
  #closeFar(): void {
    const far = this.#levels.at(-1 - OPEN_LEVELS);
    if (far?.directory === undefined) return;
    far.stat = out(STATX_BYTES);
    const told = attempt(this.#kernel, statx(far.directory.fd, '', far.stat));
    if (told < 0) throw this.#error(`statx of a cgroup in ${this.#top}`, -told);
    far.directory[Symbol.dispose]();
    far.directory = undefined;
  }

  /**
   * Opens a level again as `..` of the one below it. If that leads to another directory, then somebody has moved a
   * cgroup: it is unknown where the walk is, and so the walk ends.
   */
  #reopen(level: Level, below: Level): void {
    if (level.directory !== undefined || level.stat === undefined || below.directory === undefined) return;
    const stat = out(STATX_BYTES);
    const batch = new Batch();
    const opened = batch.add(openat(below.directory.fd, '..', O.RDONLY | O.DIRECTORY));
    batch.add(statx(opened, '', stat));
    const { results, stoppedAt } = this.#kernel.submit(batch.calls);
    const fd = resultOf(results, opened);
    if (fd >= 0) level.directory = new Owned(this.#kernel, fd);
    const errno =
      stoppedAt !== undefined ? -(results[stoppedAt] ?? 0) : isSameFile(stat, level.stat) ? 0 : ERRNO.ESTALE;
    if (errno > 0) throw this.#error(`go back up from ${this.#cgroupAt(this.#levels.length)}`, errno);
  }

  /** A cgroup for a message. Its whole path could be too long for one. */
  #cgroupAt(depth: number): string {
    return depth === 0 ? this.#top : `a cgroup ${depth} level(s) below ${this.#top}`;
  }

  #error(what: string, errno: number): CgroupFileError {
    return new CgroupFileError(what, this.#top, errno);
  }
}
