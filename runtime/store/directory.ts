/**
 * A container's directory, `<root>/<id>/`, used by descriptors. Its path is resolved once: whoever renames or replaces
 * a directory above it later changes nothing for us.
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
import { isSameFile } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, RENAME } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, perform, succeeded } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { exists, missing, storeFailure } from './error.ts';
import { entriesOf, removeTree } from './remove-tree.ts';
import { openTrusted } from './trusted-directory.ts';

const STATE_FILE = 'state.json';
/** One name is enough, since only the holder of the lock writes. */
const NEW_STATE_FILE = '.state.json.new';

/** As with runc: the container's processes may pass through the directory, but not list it. */
const DIRECTORY_MODE = 0o711;
const PARENT_MODE = 0o700;
/** The sticky bit keeps a user's XDG_RUNTIME_DIR from being cleaned up (XDG Base Directory Specification). */
const ROOT_MODE = 0o1700;

const FIRST_READ_BYTES = 8 * 1024;
/** Far above the size of any config. There is a limit because the file may be anything. */
const LARGEST_STATE_BYTES = 256 * 1024 * 1024;

export interface Directory {
  readonly root: string;
  readonly id: string;
  /** The state root. The descriptor is good for reaching its entries only (O_PATH). */
  readonly rootFd: Fd;
  /** The container's directory. The lock is on this descriptor. */
  readonly fd: Fd;
}

/** Opens the directory of a container that is there. @throws StoreError `missing` */
export function openDirectory(kernel: Kernel, root: string, id: string): Directory {
  try {
    using parent = openRoot(kernel, root);
    return openBelow(kernel, parent, root, id);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw missing(root, id);
    throw storeFailure(`open the state directory ${root}/${id}`, error);
  }
}

/**
 * Makes the directory of a new container, and the state root above it where there is none.
 * @throws StoreError `exists`; `missing` when somebody removed the directory at once
 */
export function makeDirectory(kernel: Kernel, root: string, id: string): Directory {
  try {
    makeRoot(kernel, root);
    using parent = openRoot(kernel, root);
    call(kernel, mkdirat(parent.fd, id, DIRECTORY_MODE));
    return openMade(kernel, parent, root, id);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) throw exists();
    throw storeFailure(`make the state directory ${root}/${id}`, error);
  }
}

/** Removes the directory where it cannot be opened. */
function openMade(kernel: Kernel, parent: Owned, root: string, id: string): Directory {
  try {
    return openBelow(kernel, parent, root, id);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw missing(root, id);
    attempt(kernel, unlinkat(parent.fd, id, AT.REMOVEDIR));
    throw storeFailure(`open the state directory ${root}/${id}`, error);
  }
}

function openRoot(kernel: Kernel, root: string, access: number = O.PATH): Owned {
  const place = { dir: AT.FDCWD, name: root, path: root, called: 'state root' } as const;
  return new Owned(kernel, openTrusted(kernel, place, access | O.DIRECTORY));
}

/** @param parent the state root: its descriptor is handed on to the directory once that is open */
function openBelow(kernel: Kernel, parent: Owned, root: string, id: string): Directory {
  const place = { dir: parent.fd, name: id, path: `${root}/${id}`, called: 'state directory' } as const;
  const fd = openTrusted(kernel, place, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  return { root, id, rootFd: parent.release(), fd };
}

/**
 * Opens the state root for reading, and makes it where there is none.
 * @returns a descriptor that the caller closes
 * @throws StoreError where it cannot be trusted
 */
export function openStateRoot(kernel: Kernel, root: string): Fd {
  makeRoot(kernel, root);
  return openRoot(kernel, root, O.RDONLY).release();
}

function makeRoot(kernel: Kernel, root: string): void {
  const made = attempt(kernel, mkdirat(AT.FDCWD, root, ROOT_MODE));
  if (made >= 0 || made === -ERRNO.EEXIST) return;
  const parts = root.split('/');
  for (let depth = 2; depth <= parts.length; depth++) {
    const mode = depth === parts.length ? ROOT_MODE : PARENT_MODE;
    const make = mkdirat(AT.FDCWD, parts.slice(0, depth).join('/'), mode);
    const result = attempt(kernel, make);
    if (result !== -ERRNO.EEXIST) succeeded(make, result);
  }
}

/** Closes the directory, and so lets go of its lock. */
export function closeDirectory(kernel: Kernel, directory: Directory): void {
  kernel.submit([
    { ...close(directory.fd), mayFail: true },
    { ...close(directory.rootFd), mayFail: true },
  ]);
}

/**
 * Whether this is still the directory of that name. Another command may have removed it, or made it anew, meanwhile.
 */
export function isCurrent(kernel: Kernel, directory: Directory): boolean {
  const ours = out(STATX_BYTES);
  const named = out(STATX_BYTES);
  try {
    perform(kernel, [statx(directory.fd, '', ours), statx(directory.rootFd, directory.id, named)]);
    return isSameFile(ours, named);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw storeFailure(`look at the state directory ${directory.root}/${directory.id}`, error);
  }
}

/** The text of `state.json`; undefined where there is none. */
export function readState(kernel: Kernel, directory: Directory): string | undefined {
  try {
    using file = opened(kernel, openat(directory.fd, STATE_FILE, O.RDONLY | O.NOFOLLOW));
    return readAll(kernel, file.fd);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw storeFailure(`read the state of container ${directory.id}`, error);
  }
}

function readAll(kernel: Kernel, fd: Fd): string {
  const decoder = new TextDecoder();
  let text = '';
  let offset = 0;
  let chunk = out(FIRST_READ_BYTES);
  while (offset < LARGEST_STATE_BYTES) {
    const size = call(kernel, pread(fd, chunk, offset));
    if (size === 0) break;
    text += decoder.decode(chunk.bytes.subarray(0, size), { stream: true });
    offset += size;
    // A read of a regular file is short at its end only.
    if (size < chunk.bytes.length) break;
    chunk = out(chunk.bytes.length * 4);
  }
  return text + decoder.decode();
}

/**
 * Replaces `state.json` in one step: a reader sees the old text or the new one, even after a crash. The two names are
 * exchanged, and then the old text is removed. A rename over an existing file would make ext4 write the new file to the
 * disk first (auto_da_alloc). That costs ten times as much, and a run-time directory need not be that durable.
 */
export function writeState(kernel: Kernel, directory: Directory, text: string): void {
  const { fd: dir } = directory;
  try {
    writeNewState(kernel, dir, text);
    if (attempt(kernel, rename(dir, NEW_STATE_FILE, dir, STATE_FILE, RENAME.EXCHANGE)) < 0)
      call(kernel, rename(dir, NEW_STATE_FILE, dir, STATE_FILE));
    else attempt(kernel, unlinkat(dir, NEW_STATE_FILE));
  } catch (error) {
    attempt(kernel, unlinkat(dir, NEW_STATE_FILE));
    throw storeFailure(`write the state of container ${directory.id}`, error);
  }
}

function writeNewState(kernel: Kernel, dir: Fd, text: string): void {
  const bytes = new TextEncoder().encode(text);
  using file = opened(kernel, openat(dir, NEW_STATE_FILE, O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW, 0o600));
  // A full file system takes what fits, and fails at the next write only.
  for (let done = 0; done < bytes.length; ) done += call(kernel, write(file.fd, bytes.subarray(done)));
}

/** Removes the directory, `state.json` last: what a failure leaves behind is still a container that can be deleted. */
export function removeDirectory(kernel: Kernel, directory: Directory): void {
  try {
    removeTree(kernel, directory.fd, (name) => name === STATE_FILE);
    const removal = unlinkat(directory.fd, STATE_FILE);
    const removed = attempt(kernel, removal);
    // What stands in its place is not worth keeping.
    if (removed === -ERRNO.EISDIR) removeTree(kernel, directory.fd);
    else if (removed !== -ERRNO.ENOENT) succeeded(removal, removed);
    call(kernel, unlinkat(directory.rootFd, directory.id, AT.REMOVEDIR));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw storeFailure(`remove the state directory ${directory.root}/${directory.id}`, error);
  }
}

/**
 * The names below the state root that may be containers, sorted.
 * @param mayLack answers no names where there is no state root, instead of an error
 */
export function listDirectories(kernel: Kernel, root: string, mayLack = true): readonly string[] {
  try {
    using directory = openRoot(kernel, root, O.RDONLY);
    return entriesOf(kernel, directory.fd)
      .flatMap(({ name, directory }) => (directory && typeof name === 'string' ? [name] : []))
      .sort();
  } catch (error) {
    if (isErrno(error, 'ENOENT') && mayLack) return [];
    throw storeFailure(`read the state root ${root}`, error);
  }
}
