/**
 * The last failures, which `explain` tells of: a file in the state root, for its owner alone. Only a command that has
 * failed writes it. It holds twenty lines of JSON at most, and none that is older than a week.
 */

import { flock, openat, pread, STATX_BYTES, statx, write } from '../../native/calls/files.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, LOCK, O, S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno, perform } from '../../native/kernel/perform.ts';
import { out, u64s } from '../../native/kernel/struct.ts';
import { RefusedError } from '../container/answers.ts';
import { isStoreError, storeFailure } from '../store/error.ts';
import { openTrusted } from '../store/trusted-directory.ts';
import { causesOf } from './facts.ts';
import type { FailureStory } from './story.ts';

/** No container has this name: an id has no `@`. */
export const KEPT_FILE = '@failures.jsonl';

const MOST = 20;
const OLDEST_MS = 7 * 24 * 3600 * 1000;
/** A message may hold the output of a hook. */
const LONGEST_MESSAGE = 4096;
/** More than twenty of them have. The file may be anything. */
const LARGEST_FILE = 1 << 20;

export interface KeptFailure extends FailureStory {
  /** Of the container. */
  readonly id: string;
  /** `create`, `start`… */
  readonly command: string;
  /** RFC 3339. */
  readonly time: string;
  readonly message: string;
  /** Absolute path, of a command that was given one. */
  readonly bundle?: string;
}

/**
 * Whether there is more to an error than its line: not where nothing was tried, because there is no such container, or
 * its state does not permit the request.
 */
export const isWorthKeeping = (error: unknown): boolean =>
  !causesOf(error).some(
    (one) =>
      one instanceof RefusedError ||
      isStoreError(one, 'missing') ||
      isStoreError(one, 'exists') ||
      isStoreError(one, 'busy'),
  );

/** Keeps a failure. Where that is not possible (no state root, a full file system), it is not kept. */
export function keepFailure(kernel: Kernel, root: string, failure: KeptFailure): void {
  try {
    using directory = openRoot(kernel, root);
    using file = opened(kernel, openat(directory.fd, KEPT_FILE, O.RDWR | O.CREAT | SAFE, 0o600));
    lockBriefly(kernel, file);
    const oldest = Date.parse(failure.time) - OLDEST_MS;
    const others = failuresIn(textOf(kernel, file)).filter(({ time }) => Date.parse(time) >= oldest);
    const message = failure.message.slice(0, LONGEST_MESSAGE);
    const kept = [...others, { ...failure, message }].slice(-MOST);
    replace(kernel, file, kept.map((one) => `${JSON.stringify(one)}\n`).join(''));
  } catch {
    // The failure itself has been told. That it is not kept is no second one.
  }
}

const TRIES = 50;
/** struct timespec: 0 s and 1 ms. */
const PAUSE = u64s(0, 1_000_000);

/** Two commands that fail at once write one after the other. @throws SyscallError where somebody holds the lock on */
function lockBriefly(kernel: Kernel, { fd }: Owned): void {
  for (let tries = 1; attempt(kernel, flock(fd, LOCK.EX | LOCK.NB)) < 0; tries++) {
    if (tries === TRIES) call(kernel, flock(fd, LOCK.EX | LOCK.NB));
    kernel.submit([{ name: 'nanosleep', args: [PAUSE, null], mayFail: true }]);
  }
}

/** A reader that comes in the middle finds a line that is cut off, and leaves it out. */
function replace(kernel: Kernel, file: Owned, text: string): void {
  perform(kernel, [
    { name: 'ftruncate', args: [file.fd, 0] },
    { name: 'lseek', args: [file.fd, 0, 0] },
    write(file.fd, text),
  ]);
}

/** The failures that are kept, the latest last. @throws StoreError where the state root cannot be used */
export function keptFailures(kernel: Kernel, root: string): readonly KeptFailure[] {
  try {
    using directory = openRoot(kernel, root);
    using file = opened(kernel, openat(directory.fd, KEPT_FILE, O.RDONLY | SAFE));
    return failuresIn(textOf(kernel, file));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw storeFailure(`read the failures in ${root}`, error);
  }
}

/** It may be anything: nothing is waited for, and no link is followed. */
const SAFE = O.NOFOLLOW | O.NONBLOCK;

const openRoot = (kernel: Kernel, root: string): Owned =>
  new Owned(
    kernel,
    openTrusted(kernel, { dir: AT.FDCWD, name: root, path: root, called: 'state root' }, O.RDONLY | O.DIRECTORY),
  );

function textOf(kernel: Kernel, { fd }: Owned): string {
  const stat = out(STATX_BYTES);
  const content = out(LARGEST_FILE);
  if (attempt(kernel, statx(fd, '', stat)) < 0 || typeOf(stat) !== S.IFREG) return '';
  return new TextDecoder().decode(content.bytes.subarray(0, call(kernel, pread(fd, content, 0))));
}

function failuresIn(text: string): readonly KeptFailure[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isFailure(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

function isFailure(value: unknown): value is KeptFailure {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['id', 'command', 'time', 'message'].every((name) => typeof Reflect.get(value, name) === 'string') &&
    ['phase', 'syscall', 'errno', 'path', 'cause', 'advice', 'bundle'].every((name) =>
      ['string', 'undefined'].includes(typeof Reflect.get(value, name)),
    )
  );
}
