/** Makes a container's cgroup, before its process exists. */

import { mkdirat, unlinkat } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { inheritCpuset } from './cpuset.ts';
import type { DevicePrograms } from './devices/programs.ts';
import { APPLYING, Batch, CgroupError, isCgroupError, tryRead } from './files.ts';
import { isFrozen } from './freeze.ts';
import { membersBelow } from './members.ts';
import { directoriesOf, memberDirectory } from './paths.ts';
import { applyResources } from './resources.ts';
import { makeUnified } from './v2/tree.ts';

interface CreateOptions {
  /** Made by a user who may not write to the cgroup file system: what cannot be made then is left out. */
  readonly rootless?: boolean;
  readonly programs?: DevicePrograms | undefined;
  /** config.json names a cgroupsPath: then even rootless it has to be made. */
  readonly explicitPath?: boolean;
}

/**
 * Refuses a cgroup that is in use. To be asked before the plan is recorded: whoever has recorded it will kill
 * what is in the cgroup when undoing, and these are someone else's processes.
 * @throws CgroupError with runc's words
 */
export function refuseUsed(kernel: Kernel, record: CgroupRecord): void {
  const directory = memberDirectory(record);
  if (directory === undefined) return;
  const own = tryRead(kernel, `${directory}/cgroup.procs`);
  const count = own === -ERRNO.ENOENT ? 0 : membersBelow(kernel, directory).length;
  if (count > 0) throw new CgroupError(`container's cgroup is not empty: ${count} process(es) found`, directory, 0);
  // On v1 it may be there in the freezer's hierarchy alone: whoever enters it stands still, and create with him.
  if (isFrozen(kernel, record)) throw new CgroupError("container's cgroup unexpectedly frozen", directory, 0);
}

/**
 * Makes the planned directories and limits them. What exists already is used as it is.
 * Where it fails, what it made is gone again.
 * @returns the record of what is there: rootless, without the hierarchies where nothing could be made
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
  // On hybrid the v2 hierarchy only follows the processes: no controllers are handed down there.
  const plain = record.layout === 'v2' ? [] : directoriesOf(record);
  try {
    for (const [directory, errno] of makeDirectories(kernel, plain, made)) {
      // On hybrid, who has been given the controllers' hierarchies seldom has the v2 one: it limits nothing, and runc has none there.
      const spared = tolerant || (options.rootless === true && directory === record.paths.unified);
      if (!spared || !isPermission(errno)) throw new CgroupError(`${APPLYING}: mkdir ${directory}`, directory, errno);
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

/** Makes directories, optimistically all in one trip; the parents that are missing come after. Returns the failures. */
function makeDirectories(
  kernel: Kernel,
  directories: readonly string[],
  made: string[],
): [directory: string, errno: number][] {
  const { results } = kernel.submit(
    directories.map((directory) => ({ ...mkdirat(AT.FDCWD, directory, 0o755), mayFail: true as const })),
  );
  const failures: [string, number][] = [];
  directories.forEach((directory, i) => {
    let errno = -(results[i] ?? 0);
    if (errno <= 0) made.push(directory);
    else if (errno === ERRNO.ENOENT) errno = makeParents(kernel, directory, made);
    if (errno > 0 && errno !== ERRNO.EEXIST) failures.push([directory, errno]);
  });
  return failures;
}

/** mkdir -p. Returns the errno, or 0. */
function makeParents(kernel: Kernel, directory: string, made: string[]): number {
  const parts = directory.split('/').slice(1);
  const paths = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  const batch = new Batch();
  for (const path of paths) batch.try(mkdirat(AT.FDCWD, path, 0o755));
  const { results } = kernel.submit(batch.calls);
  paths.forEach((path, i) => {
    if ((results[i] ?? -1) >= 0) made.push(path);
  });
  // The first that fails is the reason; those below it only find no parent.
  const failure = results.find((result) => result < 0 && result !== -ERRNO.EEXIST);
  return failure === undefined ? 0 : -failure;
}

function unmake(kernel: Kernel, made: readonly string[]): void {
  kernel.submit(
    made
      .toSorted((a, b) => b.length - a.length)
      .map((path) => ({ ...unlinkat(AT.FDCWD, path, AT.REMOVEDIR), mayFail: true as const })),
  );
}
