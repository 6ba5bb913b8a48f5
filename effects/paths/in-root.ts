/**
 * Paths inside a rootfs, whose content is hostile: resolved by the kernel below the root's descriptor
 * (openat2, RESOLVE_IN_ROOT), so that no symlink leads out, and used as descriptors from then on.
 */

import { close, type FdArg, mkdirat, openat2 } from '../../native/calls/files.ts';
import { readLink } from '../../native/calls/read-link.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { O, RESOLVE } from '../../native/constants/files.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';

/** As many links as the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/** Opens a path below `root`. Magic links (/proc/PID/fd/N) are refused: they jump anywhere. */
export const openInRoot = (root: FdArg, path: string, flags: number, mode = 0): Call =>
  openat2(root, path, { flags, mode, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS });

/** The same through no symlink at all: what is opened stands where its path says. @throws by the call: ELOOP */
const openOrdinary = (root: FdArg, path: string, flags: number): Call =>
  openat2(root, path, { flags, resolve: RESOLVE.IN_ROOT | RESOLVE.NO_SYMLINKS });

export function parentOf(path: string): string {
  const end = path.replace(/\/+$/, '').lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

export function baseOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** What stands at a mount's destination where nothing does yet. */
export type Placeholder = 'directory' | 'file';

/**
 * Adds: open the destination, after having made it in its parent if it was not there. Calls that may fail, and one that tells;
 * where parents are missing too it fails with ENOENT, and `makePlaceholder` is for that. Of a file, a parent in the root is made
 * as well: engines bind theirs into /etc and /run, which small images lack.
 * @param ordinary fail with ELOOP where a symlink is on the way
 * @returns the destination's descriptor; the caller adds its close
 */
export function addOpenPlaceholder(
  batch: Batch,
  root: number,
  path: string,
  kind: Placeholder,
  ordinary = false,
): FdArg {
  if (baseOf(path) !== '') {
    const above = parentOf(path);
    if (kind === 'file' && above !== '/' && parentOf(above) === '/') batch.try(mkdirat(root, baseOf(above), 0o755));
    const parent = batch.try(openInRoot(root, above, O.PATH | O.DIRECTORY));
    if (kind === 'directory') batch.try(mkdirat(parent, baseOf(path), 0o755));
    else batch.try({ name: 'mknodat', args: [parent, baseOf(path), 0o100644, 0] });
    batch.try(close(parent));
  }
  const open = ordinary ? openOrdinary : openInRoot;
  return batch.add(open(root, path, kind === 'directory' ? O.PATH | O.DIRECTORY : O.PATH));
}

/**
 * Makes a destination with all its missing parents, step by step. A dangling symlink is followed below the root and its target made,
 * as runc does.
 * @throws SyscallError; ENOENT after too many links
 */
export function makePlaceholder(
  kernel: Kernel,
  root: number,
  path: string,
  kind: Placeholder,
  links = MAX_LINKS,
): void {
  const found = attempt(kernel, openInRoot(root, path, O.PATH));
  if (found >= 0) {
    attempt(kernel, close(found));
    return;
  }
  if (found !== -ERRNO.ENOENT || links === 0 || baseOf(path) === '') {
    call(kernel, openInRoot(root, path, O.PATH));
    return;
  }
  makePlaceholder(kernel, root, parentOf(path), 'directory', links);
  const parent = call(kernel, openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
  try {
    perform(kernel, [
      kind === 'directory'
        ? mkdirat(parent, baseOf(path), 0o755)
        : { name: 'mknodat', args: [parent, baseOf(path), 0o100644, 0] },
    ]);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    const target = readLink(kernel, parent, baseOf(path));
    if (target === undefined) throw error;
    makePlaceholder(kernel, root, target.startsWith('/') ? target : `${parentOf(path)}/${target}`, kind, links - 1);
  } finally {
    attempt(kernel, close(parent));
  }
}

/** Opens a path below the root, uses the descriptor in one call of the same batch, and closes it. */
export const withInRoot = (root: number, path: string, flags: number, use: (fd: FdArg) => Call): readonly Call[] => [
  openInRoot(root, path, flags),
  use(result(0)),
  close(result(0)),
];
