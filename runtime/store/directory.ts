/**
 * A container's directory, `<root>/<id>/`, through descriptors: its path is resolved once, so that
 * whoever renames or replaces what is above it changes nothing.
 */

import {
  close,
  mkdirat,
  openat,
  pread,
  rename,
  STATX_BYTES,
  statx,
  unlinkat,
  write,
} from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, RENAME } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno, perform, SyscallError } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { exists, missing, storeFailure } from './error.ts';
import { entriesOf, removeTree } from './remove-tree.ts';
import { openTrusted } from './trusted-directory.ts';

const STATE_FILE = 'state.json';
/** One name is enough: only who holds the lock writes. */
const NEW_STATE_FILE = '.state.json.new';

/** As runc: the container's processes may pass through it, not look around. */
const DIRECTORY_MODE = 0o711;
const PARENT_MODE = 0o700;
/** The sticky bit keeps what lies in a user's XDG_RUNTIME_DIR from being cleaned up (XDG Base Directory Specification). */
const ROOT_MODE = 0o1700;

const FIRST_READ_BYTES = 8 * 1024;
/** Far above any config; a bound, since the file may be anything. */
const LARGEST_STATE_BYTES = 256 * 1024 * 1024;

export interface Directory {
  readonly root: string;
  readonly id: string;
  /** The state root, for its entries only (O_PATH). */
  readonly rootFd: number;
  /** The container's directory; the lock is on this descriptor. */
  readonly fd: number;
}

/** Opens the directory of a container that is there. @throws StoreError `missing` */
export function openDirectory(kernel: Kernel, root: string, id: string): Directory {
  try {
    return openBelow(kernel, openRoot(kernel, root), root, id);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw missing();
    throw storeFailure(`open the state directory ${root}/${id}`, error);
  }
}

/** Makes the directory of a new container, and the state root above it. @throws StoreError `exists`; `missing` when it was removed at once */
export function makeDirectory(kernel: Kernel, root: string, id: string): Directory {
  let rootFd: number | undefined;
  try {
    makeRoot(kernel, root);
    rootFd = openRoot(kernel, root);
    call(kernel, mkdirat(rootFd, id, DIRECTORY_MODE));
  } catch (error) {
    if (rootFd !== undefined) attempt(kernel, close(rootFd));
    if (isErrno(error, 'EEXIST')) throw exists();
    throw storeFailure(`make the state directory ${root}/${id}`, error);
  }
  try {
    return openBelow(kernel, rootFd, root, id);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw missing();
    attempt(kernel, unlinkat(AT.FDCWD, `${root}/${id}`, AT.REMOVEDIR));
    throw storeFailure(`open the state directory ${root}/${id}`, error);
  }
}

function openRoot(kernel: Kernel, root: string, access: number = O.PATH): number {
  return openTrusted(kernel, { dir: AT.FDCWD, name: root, path: root, called: 'state root' }, access | O.DIRECTORY);
}

/** @param rootFd becomes the directory's, and is closed where that cannot be opened */
function openBelow(kernel: Kernel, rootFd: number, root: string, id: string): Directory {
  try {
    const place = { dir: rootFd, name: id, path: `${root}/${id}`, called: 'state directory' } as const;
    return { root, id, rootFd, fd: openTrusted(kernel, place, O.RDONLY | O.DIRECTORY | O.NOFOLLOW) };
  } catch (error) {
    attempt(kernel, close(rootFd));
    throw error;
  }
}

function makeRoot(kernel: Kernel, root: string): void {
  const made = attempt(kernel, mkdirat(AT.FDCWD, root, ROOT_MODE));
  if (made >= 0 || made === -ERRNO.EEXIST) return;
  const parts = root.split('/');
  for (let depth = 2; depth <= parts.length; depth++) {
    const mode = depth === parts.length ? ROOT_MODE : PARENT_MODE;
    const one = mkdirat(AT.FDCWD, parts.slice(0, depth).join('/'), mode);
    const result = attempt(kernel, one);
    if (result < 0 && result !== -ERRNO.EEXIST) throw new SyscallError(one, -result);
  }
}

/** Lets go of the directory, and so of its lock. */
export function closeDirectory(kernel: Kernel, directory: Directory): void {
  kernel.submit([
    { ...close(directory.fd), mayFail: true },
    { ...close(directory.rootFd), mayFail: true },
  ]);
}

/** Whether this is still the directory of that name: another command may have removed it, or made it anew, meanwhile. */
export function isCurrent(kernel: Kernel, directory: Directory): boolean {
  const ours = out(STATX_BYTES);
  const named = out(STATX_BYTES);
  try {
    perform(kernel, [statx(directory.fd, '', ours), statx(directory.rootFd, directory.id, named)]);
    return identity(ours.bytes) === identity(named.bytes);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw storeFailure(`look at the state directory ${directory.root}/${directory.id}`, error);
  }
}

/** struct statx, uapi/linux/stat.h: stx_ino, stx_dev_major, stx_dev_minor. */
function identity(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  return [view.getBigUint64(32, true), view.getUint32(136, true), view.getUint32(140, true)].join(':');
}

/** The text of `state.json`; undefined where there is none. */
export function readState(kernel: Kernel, directory: Directory): string | undefined {
  let fd: number | undefined;
  try {
    fd = call(kernel, openat(directory.fd, STATE_FILE, O.RDONLY | O.NOFOLLOW));
    return readAll(kernel, fd);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw storeFailure(`read the state of container ${directory.id}`, error);
  } finally {
    if (fd !== undefined) attempt(kernel, close(fd));
  }
}

function readAll(kernel: Kernel, fd: number): string {
  const decoder = new TextDecoder();
  let text = '';
  let offset = 0;
  let chunk = out(FIRST_READ_BYTES);
  while (offset < LARGEST_STATE_BYTES) {
    const size = call(kernel, pread(fd, chunk, offset));
    if (size === 0) break;
    text += decoder.decode(chunk.bytes.subarray(0, size), { stream: true });
    offset += size;
    // A short read of a regular file is its end.
    if (size < chunk.bytes.length) break;
    chunk = out(chunk.bytes.length * 4);
  }
  return text + decoder.decode();
}

/**
 * Replaces `state.json` in one step: a reader sees the old text or the new one, and so does who comes after a crash.
 * By an exchange of the two names, after which the old text is removed: a rename over an existing file makes ext4
 * write the new one out first (auto_da_alloc), ten times the cost, for a durability that a run-time directory does not ask for.
 */
export function writeState(kernel: Kernel, directory: Directory, text: string): void {
  const bytes = new TextEncoder().encode(text);
  const { fd: dir } = directory;
  try {
    const fd = call(kernel, openat(dir, NEW_STATE_FILE, O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW, 0o600));
    try {
      // A full file system takes what fits and says so at the next write only.
      for (let done = 0; done < bytes.length; ) done += call(kernel, write(fd, bytes.subarray(done)));
    } finally {
      attempt(kernel, close(fd));
    }
    if (attempt(kernel, rename(dir, NEW_STATE_FILE, dir, STATE_FILE, RENAME.EXCHANGE)) < 0)
      call(kernel, rename(dir, NEW_STATE_FILE, dir, STATE_FILE));
    else attempt(kernel, unlinkat(dir, NEW_STATE_FILE));
  } catch (error) {
    attempt(kernel, unlinkat(dir, NEW_STATE_FILE));
    throw storeFailure(`write the state of container ${directory.id}`, error);
  }
}

/** Removes the directory; `state.json` last, so that what is left after a failure still is a container to delete. */
export function removeDirectory(kernel: Kernel, directory: Directory): void {
  try {
    removeTree(kernel, directory.fd, (name) => name === STATE_FILE);
    const removal = unlinkat(directory.fd, STATE_FILE);
    const removed = attempt(kernel, removal);
    // What stands in its place is not worth keeping.
    if (removed === -ERRNO.EISDIR) removeTree(kernel, directory.fd);
    else if (removed < 0 && removed !== -ERRNO.ENOENT) throw new SyscallError(removal, -removed);
    call(kernel, unlinkat(directory.rootFd, directory.id, AT.REMOVEDIR));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw storeFailure(`remove the state directory ${directory.root}/${directory.id}`, error);
  }
}

/** The names below the state root that may be containers, sorted; none where there is no root. */
export function listDirectories(kernel: Kernel, root: string, mayLack = true): readonly string[] {
  let fd: number | undefined;
  try {
    fd = openRoot(kernel, root, O.RDONLY);
    return entriesOf(kernel, fd)
      .filter((entry) => entry.directory)
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT') && mayLack) return [];
    throw storeFailure(`read the state root ${root}`, error);
  } finally {
    if (fd !== undefined) attempt(kernel, close(fd));
  }
}
