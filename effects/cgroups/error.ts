/** The errors of cgroups: one line that says what was tried, on what, and why it failed. */

import { ERRNO, type ErrnoName, errnoName, errnoText } from '../../native/constants/errno.ts';

/** Something that cannot be done with a cgroup. The message is complete. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError';
}

/**
 * A system call on a file or a directory of a cgroup that failed:
 * `write 12x to /sys/fs/cgroup/a/pids.max: EINVAL: invalid argument`.
 */
export class CgroupFileError extends CgroupError {
  readonly path: string;
  /** Positive, as in errno(3). */
  readonly errno: number;

  /** @param what was tried, with the path. @param errno positive */
  constructor(what: string, path: string, errno: number) {
    super(`${what}: ${errnoName(errno)}: ${errnoText(errno)}`);
    this.path = path;
    this.errno = errno;
  }
}

/** Whether an error is a failed call on a cgroup's file with one of these reasons. */
export const isCgroupError = (error: unknown, ...names: readonly ErrnoName[]): error is CgroupFileError =>
  error instanceof CgroupFileError && names.some((name) => ERRNO[name] === error.errno);

/**
 * Whether a call failed because its cgroup is gone: ENODEV if that was removed while its file was open.
 * @param result `-errno`
 */
export const isGone = (result: number): boolean => result === -ERRNO.ENOENT || result === -ERRNO.ENODEV;

/** The failure of a write to a cgroup's file. @param errno positive */
export const writeError = (path: string, value: string, errno: number): CgroupFileError =>
  new CgroupFileError(`write ${value.trimEnd()} to ${path}`, path, errno);

/** runc's messages begin with this where a cgroup cannot be made or entered; engines look for it. */
export const APPLYING = 'unable to apply cgroup configuration';
