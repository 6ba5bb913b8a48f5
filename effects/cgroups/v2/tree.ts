/**
 * Goes down the v2 hierarchy to a container's cgroup. It makes each directory, and enables controllers for the next
 * one.
 */

import { mkdirat } from '../../../native/calls/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { APPLYING, CgroupError, CgroupFileError } from '../error.ts';
import { planRead, planWrite, textOf, tryRead, tryWrite, writtenBy } from '../files.ts';
import { pathsDownTo } from '../paths.ts';

/**
 * Makes `directory` and what is missing above it.
 * Controllers that cannot be enabled are left out: whoever sets a limit finds that its file is missing, and says so.
 * @param made gets the directories that were made, in order
 * @throws CgroupError
 */
export function makeUnified(kernel: Kernel, directory: string, resources: LinuxResources, made: string[]): void {
  const { root, levels } = levelsOf(kernel, directory);
  const controllers = tryRead(kernel, `${root}/cgroup.controllers`);
  const enable = typeof controllers === 'string' ? controllers.split(/\s+/).filter(Boolean) : [];

  const batch = new Batch();
  const steps = levels.map((path, i) => ({
    path,
    mkdir: i === 0 ? undefined : batch.try(mkdirat(AT.FDCWD, path, 0o755)),
    type: i === 0 ? undefined : planRead(batch, `${path}/cgroup.type`),
    control:
      i === levels.length - 1 || enable.length === 0
        ? undefined
        : planWrite(batch, `${path}/cgroup.subtree_control`, enable.map((name) => `+${name}`).join(' ')),
  }));
  const { results } = kernel.submit(batch.calls);
  for (const { path, mkdir } of steps) if (mkdir !== undefined && resultOf(results, mkdir) >= 0) made.push(path);
  for (const { path, mkdir, type, control } of steps) {
    const errno = mkdir === undefined ? 0 : -resultOf(results, mkdir);
    // The error names the container's own directory, whichever one failed: without root, createCgroup tolerates a
    // failure to make that one.
    if (errno > 0 && errno !== ERRNO.EEXIST) throw new CgroupFileError(`${APPLYING}: mkdir ${path}`, directory, errno);
    if (type) checkType(kernel, path, textOf(type, results), resources);
    // The kernel refuses the whole line for one controller that it cannot enable: then each is tried alone.
    if (control !== undefined && writtenBy(control, results) < 0)
      for (const name of enable) tryWrite(kernel, `${path}/cgroup.subtree_control`, `+${name}`);
  }
}

/** The mount point of the hierarchy, and the directories from it down to `directory`. */
function levelsOf(kernel: Kernel, directory: string): { root: string; levels: readonly string[] } {
  const all = pathsDownTo(directory);
  // The topmost directory that has this file is the mount point.
  const batch = new Batch();
  const reads = all.map((path) => planRead(batch, `${path}/cgroup.subtree_control`));
  const { results } = kernel.submit(batch.calls);
  const found = reads.map((read) => textOf(read, results));
  const first = found.findIndex((text) => typeof text === 'string');
  const root = all[first];
  if (root === undefined) {
    const failed = found.findIndex((text) => typeof text === 'number' && text !== -ERRNO.ENOENT);
    const path = reads[failed]?.path;
    if (path !== undefined) throw new CgroupFileError(`${APPLYING}: read ${path}`, path, -Number(found[failed]));
    throw new CgroupError(`${directory} is not below a cgroup2 mount`);
  }
  return { root, levels: all.slice(first) };
}

/**
 * A cgroup below one that has processes of its own is `domain invalid`, and can only be made threaded. It cannot have
 * memory, io and the other controllers of whole domains then: cgroups(7), "Thread mode".
 * @throws CgroupError in runc's words, where the resources need such a controller
 */
function checkType(kernel: Kernel, path: string, type: string | number | undefined, resources: LinuxResources): void {
  const kind = typeof type === 'string' ? type.trim() : '';
  if (kind !== 'domain invalid' && !kind.endsWith('threaded')) return;
  if (needsDomain(resources))
    throw new CgroupError(
      kind === 'domain invalid'
        ? `cannot enter cgroupv2 ${JSON.stringify(path)} with domain controllers -- it is in an invalid state`
        : `cannot enter cgroupv2 ${JSON.stringify(path)} with domain controllers -- it is in ${kind} mode`,
    );
  if (kind === 'domain invalid') tryWrite(kernel, `${path}/cgroup.type`, 'threaded');
}

const needsDomain = ({ memory, blockIO, cpu, hugepageLimits }: LinuxResources): boolean =>
  [memory, blockIO, cpu && { ...cpu, cpus: undefined, mems: undefined }].some(
    (part) => part !== undefined && Object.values(part).some((value) => value !== undefined),
  ) || (hugepageLimits ?? []).length > 0;
