/** Path resolution (path_resolution(7), openat2(2)): names, `..`, symlinks, magic links, mounts. */

import { AT, RESOLVE } from '../../native/constants/files.ts';
import { fail } from './failure.ts';
import { type Path, samePath, top } from './mounts.ts';
import type { Process } from './processes.ts';

const MAX_LINKS = 40;
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4096;

export interface Found {
  /** The directory of the last component. */
  readonly parent: Path;
  /** The last component; `.`, `..` and `/` are no names, and nothing can be made there. */
  readonly name: string;
  readonly kind: 'name' | 'dot' | 'dotdot' | 'root';
  /** What is there, mounts on it included. */
  readonly found: Path | undefined;
  /** What the name itself is, under the mounts on it. */
  readonly covered: Path | undefined;
  /** The path ended in a slash. */
  readonly slash: boolean;
}

interface WalkOptions {
  /** Whether a symlink at the end is followed; never where the name itself is meant, not even for a slash after it. */
  readonly follow: boolean | 'never';
  /** For O_CREAT: a name with a slash after it is refused before it is looked up. */
  readonly creates?: boolean;
  /** RESOLVE_* of openat2(2). */
  readonly resolve?: number;
}

/** Where a relative path starts. */
export function startOf(process: Process, dirfd: number): Path {
  if (dirfd === AT.FDCWD) return process.cwd;
  return process.descriptors.get(dirfd).path ?? fail('ENOTDIR');
}

/** @throws Failure */
export function walk(
  process: Process,
  dirfd: number,
  path: string,
  { follow, creates = false, resolve = 0 }: WalkOptions,
): Found {
  if (path === '') fail('ENOENT');
  if (new TextEncoder().encode(path).length >= MAX_PATH_BYTES) fail('ENAMETOOLONG');
  const scoped = (resolve & (RESOLVE.IN_ROOT | RESOLVE.BENEATH)) !== 0;
  const absolute = path.startsWith('/');
  if (absolute && resolve & RESOLVE.BENEATH) fail('EXDEV');
  const start = absolute && !scoped ? process.root : startOf(process, dirfd);
  const root = scoped ? start : process.root;
  if (!start.node.isDirectory) fail('ENOTDIR');

  let at = start;
  let parts = split(path);
  let slash = endsInSlash(path);
  let links = 0;
  const enter = (next: Path): Path => {
    if (resolve & RESOLVE.NO_XDEV && next.mount !== start.mount) fail('EXDEV');
    return next;
  };
  let last: Found = { parent: at, name: '/', kind: 'root', found: at, covered: at, slash };

  for (;;) {
    const [name, ...rest] = parts;
    if (name === undefined) return last;
    if (!at.node.isDirectory) fail('ENOTDIR');
    const isLast = rest.length === 0;
    parts = rest;
    if (name === '.' || name === '..') {
      const parent = at;
      if (name === '..') at = enter(up(at, root, resolve));
      last = { parent, name, kind: name === '.' ? 'dot' : 'dotdot', found: at, covered: at, slash };
      continue;
    }
    if (isLast && slash && creates) fail('EISDIR');
    if (new TextEncoder().encode(name).length > MAX_NAME_BYTES) fail('ENAMETOOLONG');
    const node = at.node.child(name, process);
    if (node === undefined) {
      if (!isLast) fail('ENOENT');
      return { parent: at, name, kind: 'name', found: undefined, covered: undefined, slash };
    }
    const covered = { mount: at.mount, node };
    const next = enter(top(covered));
    if (next.node.isSymlink && (!isLast || follow === true || (slash && follow !== 'never'))) {
      if (++links > MAX_LINKS || resolve & RESOLVE.NO_SYMLINKS) fail('ELOOP');
      const { jump } = next.node.special;
      if (jump !== undefined) {
        if (resolve & RESOLVE.NO_MAGICLINKS) fail('ELOOP');
        if (scoped) fail('EXDEV');
        at = enter(jump(process));
        last = { parent: at, name, kind: 'root', found: at, covered: at, slash };
        continue;
      }
      const target = next.node.special.target?.(process) ?? next.node.target;
      if (target.startsWith('/')) {
        if (resolve & RESOLVE.BENEATH) fail('EXDEV');
        at = enter(root);
        last = { parent: at, name: '/', kind: 'root', found: at, covered: at, slash };
      }
      if (isLast) slash ||= endsInSlash(target);
      parts = [...split(target), ...rest];
      continue;
    }
    last = { parent: at, name, kind: 'name', found: next, covered, slash };
    at = next;
    if (isLast && slash && !next.node.isDirectory) return last;
  }
}

const split = (path: string): string[] => path.split('/').filter((part) => part !== '');
const endsInSlash = (path: string): boolean => path.endsWith('/') && split(path).length > 0;

/** The parent of a directory, out of mounts, but not above `root`; then what is mounted there. */
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
 * @throws Failure, ENOENT where nothing is there, ENOTDIR after a slash at something else than a directory
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
