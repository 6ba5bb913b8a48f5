/**
 * Goes down a path below a root, one name after the other, and tells where it ends. The path and what it leads through
 * may be hostile: each step is opened below the root (openat2, RESOLVE_IN_ROOT), and links are counted.
 */

import { fstatfs, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { groupOf, modeOf, mountOf, ownerOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { O, S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import type { Root } from './scene.ts';

/** A file or directory on the way. */
export interface Place {
  /** From the root, without links. */
  readonly path: string;
  /** S_IFDIR, S_IFREG, … */
  readonly type: number;
  readonly permissions: number;
  /** On the host. */
  readonly uid: number;
  readonly gid: number;
  /** The id of its mount in the mount table. */
  readonly mount: bigint;
  readonly noexec: boolean;
  readonly readonly: boolean;
}

export interface Walk {
  /** What was passed on the way, links left out; the last is the file itself where it was found. */
  readonly places: readonly Place[];
  /** The file, where the path leads to one. */
  readonly found: Place | undefined;
  /** Where it ended before that, and why. */
  readonly end?: { readonly path: string; readonly errno: number };
  /** The last link that was followed, and what it says. */
  readonly link?: { readonly path: string; readonly target: string };
}

/** The kernel follows as many (path_resolution(7)). */
const MOST_LINKS = 40;
/** More names than a path of 4096 bytes has. */
const MOST_STEPS = 3000;

/** @param path from the root, whether it begins with a slash or not */
export function walk(kernel: Kernel, root: Root, path: string): Walk {
  const ahead = namesOf(path).reverse();
  const at: string[] = [];
  const top = look(kernel, root, '/');
  if (typeof top === 'number') return { places: [], found: undefined, end: { path: '/', errno: top } };
  const places: Place[] = [top.place];
  let link: Walk['link'];
  let links = 0;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const name = ahead.pop();
    const last = places.at(-1);
    if (name === undefined) return { places, found: last, ...(link && { link }) };
    if (last !== undefined && last.type !== S.IFDIR)
      return { places, found: undefined, end: { path: last.path, errno: ERRNO.ENOTDIR }, ...(link && { link }) };
    if (name === '..') {
      if (at.pop() !== undefined) places.pop();
      continue;
    }
    const here = `/${[...at, name].join('/')}`;
    const seen = look(kernel, root, here);
    if (typeof seen === 'number')
      return { places, found: undefined, end: { path: here, errno: seen }, ...(link && { link }) };
    if (seen.target === undefined) {
      at.push(name);
      places.push(seen.place);
      continue;
    }
    link = { path: here, target: seen.target };
    if (++links > MOST_LINKS) break;
    if (seen.target.startsWith('/')) {
      at.splice(0);
      places.splice(1);
    }
    ahead.push(...namesOf(seen.target).reverse());
  }
  return { places, found: undefined, end: { path, errno: ERRNO.ELOOP }, ...(link && { link }) };
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** @returns what stands there, and where it leads if it is a link; or a positive errno */
function look(
  kernel: Kernel,
  root: Root,
  path: string,
): { readonly place: Place; readonly target: string | undefined } | number {
  const fd = attempt(kernel, openInRoot(root.directory.fd, path, O.PATH | O.NOFOLLOW));
  if (fd < 0) return -fd;
  using file = new Owned(kernel, fd);
  const [stat, fs] = [out(STATX_BYTES), out(STATFS_BYTES)];
  const looked = attempt(kernel, statx(file.fd, '', stat));
  if (looked < 0) return -looked;
  attempt(kernel, fstatfs(file.fd, fs));
  const flags = Number(viewOf(fs.bytes).getBigUint64(STATFS_FLAGS, true));
  const mode = modeOf(stat);
  const place: Place = {
    path,
    type: mode & S.IFMT,
    permissions: mode & 0o7777,
    uid: ownerOf(stat),
    gid: groupOf(stat),
    mount: mountOf(stat),
    noexec: (flags & ST.NOEXEC) !== 0,
    readonly: (flags & ST.RDONLY) !== 0,
  };
  return { place, target: place.type === S.IFLNK ? (readLink(kernel, file.fd, '') ?? '') : undefined };
}

/** struct statfs: f_flags, and their values (statfs(2)). */
const STATFS_FLAGS = 80;
const ST = { RDONLY: 1, NOEXEC: 8 } as const;
