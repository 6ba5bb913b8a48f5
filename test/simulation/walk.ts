/** Resolves paths (path_resolution(7), openat2(2)): names, `..`, symlinks, magic links, mounts. */

import { AT, RESOLVE } from '../../native/constants/files.ts';
import { fail } from './failure.ts';
import { type Path, samePath, top } from './mounts.ts';
import type { Node } from './nodes.ts';
import type { Process } from './processes.ts';

const MAX_LINKS = 40;
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4096;

export interface Found {
  /** The directory of the last component. */
  readonly parent: Path;
  /** The last component. `.`, `..` and `/` are no names: nothing can be made there. */
  readonly name: string;
  readonly kind: 'name' | 'dot' | 'dotdot' | 'root';
  /** What is there: the topmost mount on it, if there are mounts. */
  readonly found: Path | undefined;
  /** What the name itself stands for, below all mounts. */
  readonly covered: Path | undefined;
  /** Whether the path ended in a slash. */
  readonly slash: boolean;
}

interface WalkOptions {
  /** Whether a symlink at the end is followed. With `never` it is not, even if a slash comes after it. */
  readonly follow: boolean | 'never';
  /** With O_CREAT, a name with a slash after it is refused before it is looked up. */
  readonly creates?: boolean;
  /** RESOLVE_* of openat2(2). */
  readonly resolve?: number;
}

/** The place where a relative path starts. */
export function startOf(process: Process, dirfd: number): Path {
  if (dirfd === AT.FDCWD) return process.cwd;
  return process.descriptors.get(dirfd).path ?? fail('ENOTDIR');
}

/** Resolves a path. @throws Failure */
export const walk = (process: Process, dirfd: number, path: string, options: WalkOptions): Found =>
  new Walk(process, dirfd, path, options).toEnd();

class Walk {
  readonly #process: Process;
  readonly #follow: boolean | 'never';
  readonly #creates: boolean;
  /** RESOLVE_* of openat2(2). */
  readonly #resolve: number;
  /** Whether the path is resolved below a root of its own. */
  readonly #isScoped: boolean;
  readonly #start: Path;
  readonly #root: Path;
  #at: Path;
  /** The components that are left. */
  #parts: readonly string[];
  #slash: boolean;
  #links = 0;
  /** The component that was resolved last. */
  #last: Found;

  constructor(process: Process, dirfd: number, path: string, { follow, creates = false, resolve = 0 }: WalkOptions) {
    if (path === '') fail('ENOENT');
    if (bytesIn(path) >= MAX_PATH_BYTES) fail('ENAMETOOLONG');
    this.#process = process;
    this.#follow = follow;
    this.#creates = creates;
    this.#resolve = resolve;
    this.#isScoped = (resolve & (RESOLVE.IN_ROOT | RESOLVE.BENEATH)) !== 0;
    const isAbsolute = path.startsWith('/');
    if (isAbsolute && resolve & RESOLVE.BENEATH) fail('EXDEV');
    this.#start = isAbsolute && !this.#isScoped ? process.root : startOf(process, dirfd);
    this.#root = this.#isScoped ? this.#start : process.root;
    if (!this.#start.node.isDirectory) fail('ENOTDIR');
    this.#at = this.#start;
    this.#parts = split(path);
    this.#slash = endsInSlash(path);
    this.#last = this.#here('root', '/');
  }

  toEnd(): Found {
    for (;;) {
      const [name, ...rest] = this.#parts;
      if (name === undefined) return this.#last;
      if (!this.#at.node.isDirectory) fail('ENOTDIR');
      this.#parts = rest;
      if (name === '.' || name === '..') {
        const parent = this.#at;
        if (name === '..') this.#at = this.#entered(up(parent, this.#root, this.#resolve));
        this.#last = { ...this.#here(name === '.' ? 'dot' : 'dotdot', name), parent };
        continue;
      }
      const end = this.#step(name, rest.length === 0);
      if (end !== undefined) return end;
    }
  }

  /** Goes to what has that name, or through the link there. @returns where the path ends, if it ends here */
  #step(name: string, isLast: boolean): Found | undefined {
    if (isLast && this.#slash && this.#creates) fail('EISDIR');
    if (bytesIn(name) > MAX_NAME_BYTES) fail('ENAMETOOLONG');
    const parent = this.#at;
    const node = parent.node.child(name, this.#process);
    if (node === undefined) {
      if (!isLast) fail('ENOENT');
      return { parent, name, kind: 'name', found: undefined, covered: undefined, slash: this.#slash };
    }
    const covered = { mount: parent.mount, node };
    const next = this.#entered(top(covered));
    const isFollowed = !isLast || this.#follow === true || (this.#slash && this.#follow !== 'never');
    if (next.node.isSymlink && isFollowed) {
      this.#followLink(next.node, name, isLast);
      return undefined;
    }
    this.#last = { parent, name, kind: 'name', found: next, covered, slash: this.#slash };
    this.#at = next;
    return isLast && this.#slash && !next.node.isDirectory ? this.#last : undefined;
  }

  #followLink(link: Node, name: string, isLast: boolean): void {
    if (++this.#links > MAX_LINKS || this.#resolve & RESOLVE.NO_SYMLINKS) fail('ELOOP');
    const { jump } = link.special;
    if (jump !== undefined) {
      if (this.#resolve & RESOLVE.NO_MAGICLINKS) fail('ELOOP');
      if (this.#isScoped) fail('EXDEV');
      this.#at = this.#entered(jump(this.#process));
      this.#last = this.#here('root', name);
      return;
    }
    const target = link.special.target?.(this.#process) ?? link.target;
    if (target.startsWith('/')) {
      if (this.#resolve & RESOLVE.BENEATH) fail('EXDEV');
      this.#at = this.#entered(this.#root);
      this.#last = this.#here('root', '/');
    }
    if (isLast) this.#slash ||= endsInSlash(target);
    this.#parts = [...split(target), ...this.#parts];
  }

  #here(kind: Found['kind'], name: string): Found {
    const at = this.#at;
    return { parent: at, name, kind, found: at, covered: at, slash: this.#slash };
  }

  #entered(next: Path): Path {
    if (this.#resolve & RESOLVE.NO_XDEV && next.mount !== this.#start.mount) fail('EXDEV');
    return next;
  }
}

const bytesIn = (text: string): number => new TextEncoder().encode(text).length;
const split = (path: string): string[] => path.split('/').filter((part) => part !== '');
const endsInSlash = (path: string): boolean => path.endsWith('/') && split(path).length > 0;

/** The parent of a directory, also out of mounts, but not above `root`. If something is mounted there, it is that. */
function up(from: Path, root: Path, resolve: number): Path {
  let at = from;
  for (;;) {
    if (samePath(at, root)) {
      if (resolve & RESOLVE.BENEATH) fail('EXDEV');
      return top(at);
    }
    if (at.node !== at.mount.root) return top({ mount: at.mount, node: at.node.parent });
    const { parent, mountpoint } = at.mount;
    if (parent === undefined || mountpoint === undefined) return top(at);
    at = { mount: parent, node: mountpoint };
  }
}

/**
 * What a path leads to.
 * @throws Failure: ENOENT where nothing is there; ENOTDIR where the path ends in a slash, but not at a directory
 */
export function lookUp(process: Process, dirfd: number, path: string, options: WalkOptions): Path {
  const { found, slash } = walk(process, dirfd, path, options);
  if (found === undefined) fail('ENOENT');
  if (slash && !found.node.isDirectory) fail('ENOTDIR');
  return found;
}

/** As `lookUp`; an empty path with AT_EMPTY_PATH is the descriptor's own file. */
export function lookUpAt(process: Process, dirfd: number, path: string, flags: number): Path {
  if (path === '' && flags & AT.EMPTY_PATH) return startOf(process, dirfd);
  return lookUp(process, dirfd, path, { follow: (flags & AT.SYMLINK_NOFOLLOW) === 0 });
}
