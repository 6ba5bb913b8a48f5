/**
 * Paths inside a rootfs, whose content is hostile. The kernel resolves them below the root's descriptor (openat2,
 * RESOLVE_IN_ROOT), so that no symlink leads out. From then on the result is used as a descriptor.
 */

import { close, type FdArg, mkdirat, mknodat, openat2 } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { O, RESOLVE, S } from '../../native/constants/files.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, succeeded } from '../../native/kernel/perform.ts';

/** The kernel follows as many links in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/** Opens a path below `root`. The kernel refuses magic links (/proc/PID/fd/N), since they jump anywhere. */
export const openInRoot = (root: FdArg, path: string, flags: number, mode = 0): Call<Fd> =>
  openat2(root, path, { flags, mode, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS });

/** Opens a path below `root` that goes through no symlink at all; fails with ELOOP otherwise. */
const openOrdinary = (root: FdArg, path: string, flags: number): Call<Fd> =>
  openat2(root, path, { flags, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS });

export function parentOf(path: string): string {
  const end = path.replace(/\/+$/, '').lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

export function baseOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** What is made at a mount's destination where there is nothing yet. */
export type Placeholder = 'directory' | 'file';

const makePlaceholderIn = (parent: FdArg, name: string, kind: Placeholder): Call =>
  kind === 'directory' ? mkdirat(parent, name, 0o755) : mknodat(parent, name, S.IFREG | 0o644);

/**
 * Adds the calls that open the destination, and that make it in its parent first if it is not there. The calls that
 * make it may fail; the one that opens it may not. Where parents are missing too, that one fails with ENOENT: then
 * `makePlaceholder` makes them. If the destination is a file, its parent is made too where that stands in the root:
 * engines bind files into /etc and /run, which small images lack.
 * @param ordinary fail with ELOOP if there is a symlink on the way
 * @returns the destination's descriptor; the caller adds its close
 */
export function addOpenPlaceholder(batch: Batch, root: Fd, path: string, kind: Placeholder, ordinary = false): FdArg {
  if (baseOf(path) !== '') {
    const above = parentOf(path);
    if (kind === 'file' && above !== '/' && parentOf(above) === '/') batch.try(mkdirat(root, baseOf(above), 0o755));
    const parent = batch.try(openInRoot(root, above, O.PATH | O.DIRECTORY));
    batch.try(makePlaceholderIn(parent, baseOf(path), kind));
    batch.try(close(parent));
  }
  const open = ordinary ? openOrdinary : openInRoot;
  return batch.add(open(root, path, kind === 'directory' ? O.PATH | O.DIRECTORY : O.PATH));
}

/**
 * Makes a destination with all its missing parents, step by step. A dangling symlink is followed below the root, and
 * its target is made, as runc does.
 * @throws SyscallError; ENOENT after too many links
 */
export function makePlaceholder(kernel: Kernel, root: Fd, path: string, kind: Placeholder, links = MAX_LINKS): void {
  const open = openInRoot(root, path, O.PATH);
  const found = attempt(kernel, open);
  if (found >= 0) {
    attempt(kernel, close(found));
    return;
  }
  if (found !== -ERRNO.ENOENT || links === 0 || baseOf(path) === '') succeeded(open, found);
  makePlaceholder(kernel, root, parentOf(path), 'directory', links);
  using parent = opened(kernel, openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
  try {
    call(kernel, makePlaceholderIn(parent.fd, baseOf(path), kind));
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const target = readLink(kernel, parent.fd, baseOf(path));
    if (target === undefined) throw error;
    makePlaceholder(kernel, root, target.startsWith('/') ? target : `${parentOf(path)}/${target}`, kind, links - 1);
  }
}
