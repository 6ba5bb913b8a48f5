/** Makes a container's cgroup before the container's process exists. */

import { mkdirat, unlinkat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { inheritCpuset } from './cpuset.ts';
import type { DevicePrograms } from './devices/programs.ts';
import { APPLYING, CgroupError, CgroupFileError, isCgroupError } from './error.ts';
import { tryRead } from './files.ts';
import { isFrozen } from './freeze.ts';
import { membersBelow } from './members.ts';
import { directoriesOf, memberDirectory, pathsDownTo } from './paths.ts';
import { applyResources } from './resources.ts';
import { makeUnified } from './v2/tree.ts';

interface CreateOptions {
  /** The user may not be allowed to write to the cgroup file system. What cannot be made then is left out. */
  readonly rootless?: boolean;
  readonly programs?: DevicePrograms | undefined;
  /** config.json names a cgroupsPath. Then the cgroup has to be made, without root too. */
  readonly explicitPath?: boolean;
}

/**
 * Refuses a cgroup that is in use. It has to be called before the plan is recorded: whoever undoes a recorded plan
 * kills all that is in the cgroup, and these processes are someone else's.
 * @throws CgroupError in runc's words
 */
export function refuseUsed(kernel: Kernel, record: CgroupRecord): void {
  const directory = memberDirectory(record);
  if (directory === undefined) return;
  const own = tryRead(kernel, `${directory}/cgroup.procs`);
  const count = own === -ERRNO.ENOENT ? 0 : membersBelow(kernel, directory).length;
  if (count > 0) throw new CgroupError(`container's cgroup is not empty: ${count} process(es) found`);
  // On v1 a cgroup may be left in the freezer's hierarchy alone. If it is frozen, whoever enters it stops, and `create`
  // waits for them.
  if (isFrozen(kernel, record)) throw new CgroupError("container's cgroup unexpectedly frozen");
}

/**
 * Makes the planned directories and sets their limits. It uses directories that exist already as they are.
 * If it fails, it removes what it has made.
 * @returns the record of what is there: without root, hierarchies where nothing could be made are left out
 * @throws CgroupError
 */
export function createCgroup(
  kernel: Kernel,
  record: CgroupRecord,
  resources: LinuxResources,
  options: CreateOptions = {},
): CgroupRecord {
  const made: string[] = [];
  const tolerant = options.rootless === true && !options.explicitPath;
  const failed = new Set<string>();
  // On a hybrid host the v2 hierarchy has no controllers to hand down: it is made like those of v1.
  const plain = record.layout === 'v2' ? [] : directoriesOf(record);
  try {
    for (const [directory, errno] of makeDirectories(kernel, plain, made)) {
      // On a hybrid host, a user who was given the controllers' hierarchies seldom has the v2 one. It limits nothing,
      // and runc makes no cgroup in it.
      const spared = tolerant || (options.rootless === true && directory === record.paths.unified);
      if (!spared || !isPermission(errno))
        throw new CgroupFileError(`${APPLYING}: mkdir ${directory}`, directory, errno);
      failed.add(directory);
    }
    const { cpuset } = record.paths;
    if (cpuset !== undefined && !failed.has(cpuset)) inheritCpuset(kernel, cpuset, resources.cpu ?? {}, made);
    if (record.layout === 'v2' && record.paths.unified !== undefined)
      makeUnified(kernel, record.paths.unified, resources, made);
  } catch (error) {
    if (tolerant && isCgroupError(error, 'EPERM', 'EACCES', 'EROFS') && error.path === record.paths.unified)
      failed.add(record.paths.unified);
    else {
      unmake(kernel, made);
      throw error;
    }
  }
  const present = failed.size === 0 ? record : withoutDirectories(record, failed);
  try {
    applyResources(kernel, present, resources, options);
  } catch (error) {
    unmake(kernel, made);
    throw error;
  }
  return present;
}

const withoutDirectories = (record: CgroupRecord, left: ReadonlySet<string>): CgroupRecord => ({
  ...record,
  paths: Object.fromEntries(Object.entries(record.paths).filter(([, directory]) => !left.has(directory))),
});

const isPermission = (errno: number): boolean =>
  errno === ERRNO.EPERM || errno === ERRNO.EACCES || errno === ERRNO.EROFS;

/**
 * Makes directories, all in one batch in the hope that their parents exist. Then it makes the parents that are missing.
 * @returns the failures, with a positive errno
 */
function makeDirectories(
  kernel: Kernel,
  directories: readonly string[],
  made: string[],
): [directory: string, errno: number][] {
  const batch = new Batch();
  const planned = makingOf(batch, directories);
  const { results } = kernel.submit(batch.calls);
  const failures: [string, number][] = [];
  for (const { path, mkdir } of planned) {
    let errno = -resultOf(results, mkdir);
    if (errno <= 0) made.push(path);
    else if (errno === ERRNO.ENOENT) errno = makeParents(kernel, path, made);
    if (errno > 0 && errno !== ERRNO.EEXIST) failures.push([path, errno]);
  }
  return failures;
}

/** Adds the calls that make directories to a batch. */
const makingOf = (batch: Batch, paths: readonly string[]) =>
  paths.map((path) => ({ path, mkdir: batch.try(mkdirat(AT.FDCWD, path, 0o755)) }));

/** Makes a directory and its missing parents, as `mkdir -p` does. @returns a positive errno, or 0 */
function makeParents(kernel: Kernel, directory: string, made: string[]): number {
  const batch = new Batch();
  const planned = makingOf(batch, pathsDownTo(directory));
  const { results } = kernel.submit(batch.calls);
  for (const { path, mkdir } of planned) if (resultOf(results, mkdir) >= 0) made.push(path);
  // The first failure is the reason. Those below it fail only because they have no parent.
  const failure = results.find((result) => result < 0 && result !== -ERRNO.EEXIST);
  return failure === undefined ? 0 : -failure;
}

/** Removes directories that were made, those with the longest paths first. */
function unmake(kernel: Kernel, made: readonly string[]): void {
  kernel.submit(
    made
      .toSorted((a, b) => b.length - a.length)
      .map((path) => ({ ...unlinkat(AT.FDCWD, path, AT.REMOVEDIR), mayFail: true as const })),
  );
}
