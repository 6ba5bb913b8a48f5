/** The way down the v2 hierarchy to a container's cgroup: each directory made, each controller enabled for the next. */

import { mkdirat } from '../../../native/calls/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { APPLYING, Batch, CgroupError, planRead, planWrite, textAt, tryRead, tryWrite, writtenAt } from '../files.ts';

/**
 * Makes `directory` and what is missing above it, noting in `made` what it made, in order.
 * Controllers that cannot be enabled are left: who sets a limit finds its file missing and says so.
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
  for (const { path, mkdir } of steps) if (mkdir !== undefined && (results[mkdir] ?? -1) >= 0) made.push(path);
  for (const { path, mkdir, type, control } of steps) {
    const errno = mkdir === undefined ? 0 : -(results[mkdir] ?? 0);
    // The container's own directory stands for all above it: whoever is tolerant looks at the path.
    if (errno > 0 && errno !== ERRNO.EEXIST) throw new CgroupError(`${APPLYING}: mkdir ${path}`, directory, errno);
    if (type) checkType(kernel, path, textAt(type, results), resources);
    // One that is not to be had spoils the whole line.
    if (control !== undefined && writtenAt(control, results) < 0)
      for (const name of enable) tryWrite(kernel, `${path}/cgroup.subtree_control`, `+${name}`);
  }
}

/** The mount point of the hierarchy, and the directories from it down to `directory`. */
function levelsOf(kernel: Kernel, directory: string): { root: string; levels: readonly string[] } {
  const parts = directory.split('/').slice(1);
  const all = parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`);
  // The topmost directory that has the file is the mount point.
  const batch = new Batch();
  const reads = all.map((path) => planRead(batch, `${path}/cgroup.subtree_control`));
  const { results } = kernel.submit(batch.calls);
  const first = reads.findIndex((read) => typeof textAt(read, results) === 'string');
  const root = all[first];
  if (root === undefined) throw new CgroupError(`${directory} is not below a cgroup2 mount`, directory, 0);
  return { root, levels: all.slice(first) };
}

/**
 * A cgroup below one that has processes of its own is `domain invalid`, and can at best be threaded;
 * memory, io and other controllers of whole domains are not to be had there. cgroups(7), "Thread mode".
 */
function checkType(kernel: Kernel, path: string, type: string | number | undefined, resources: LinuxResources): void {
  const kind = typeof type === 'string' ? type.trim() : '';
  if (kind !== 'domain invalid' && !kind.endsWith('threaded')) return;
  if (needsDomain(resources))
    throw new CgroupError(
      kind === 'domain invalid'
        ? `cannot enter cgroupv2 ${JSON.stringify(path)} with domain controllers -- it is in an invalid state`
        : `cannot enter cgroupv2 ${JSON.stringify(path)} with domain controllers -- it is in ${kind} mode`,
      path,
      0,
    );
  if (kind === 'domain invalid') tryWrite(kernel, `${path}/cgroup.type`, 'threaded');
}

const needsDomain = ({ memory, blockIO, cpu, hugepageLimits }: LinuxResources): boolean =>
  [memory, blockIO, cpu && { ...cpu, cpus: undefined, mems: undefined }].some(
    (part) => part !== undefined && Object.values(part).some((value) => value !== undefined),
  ) || (hugepageLimits ?? []).length > 0;
