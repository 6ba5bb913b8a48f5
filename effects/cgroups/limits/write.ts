/** Writes planned limits. */

import { ERRNO } from '../../../native/constants/errno.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import { CgroupError, CgroupFileError, writeError } from '../error.ts';
import { planWrite, tryRead, tryWrite, writtenBy } from '../files.ts';
import type { Limit } from './limit.ts';

/** The directory that has the file of a limit. On v2 there is one for all. */
export const directoryOf = ({ layout, paths }: CgroupRecord, { controller }: Limit): string | undefined =>
  layout === 'v2' ? paths.unified : paths[controller];

/**
 * Writes limits in order, all in one batch.
 * @throws CgroupError for the first that failed; later ones may have been written then
 */
export function writeLimits(kernel: Kernel, record: CgroupRecord, limits: readonly Limit[]): void {
  const batch = new Batch();
  const writes = limits.map((limit) => {
    const directory = directoryOf(record, limit);
    if (directory === undefined) throw missingController(record, limit);
    return { limit, directory, write: planWrite(batch, `${directory}/${limit.file}`, limit.value) };
  });
  if (writes.length === 0) return;
  const { results } = kernel.submit(batch.calls);
  for (const { limit, directory, write } of writes) {
    const errno = -writtenBy(write, results);
    if (errno === 0 || limit.tolerate?.some((name) => ERRNO[name] === errno)) continue;
    if (errno === ERRNO.ENOENT && limit.otherwise) writeOtherwise(kernel, record, directory, limit, limit.otherwise);
    else throw failure(kernel, record, directory, limit, errno);
  }
}

function writeOtherwise(
  kernel: Kernel,
  record: CgroupRecord,
  directory: string,
  limit: Limit,
  otherwise: { readonly file: string; readonly value: string },
): void {
  const errno = -tryWrite(kernel, `${directory}/${otherwise.file}`, otherwise.value);
  if (errno > 0) throw failure(kernel, record, directory, { ...limit, ...otherwise }, errno);
}

function missingController({ layout }: CgroupRecord, { controller }: Limit): CgroupError {
  return new CgroupError(
    layout === 'v2'
      ? 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups'
      : `cannot set ${controller} limit: container could not join or create cgroup`,
  );
}

/** The error, with what helps to understand it: that a controller is missing, or how much memory is in use. */
function failure(kernel: Kernel, record: CgroupRecord, directory: string, limit: Limit, errno: number): CgroupError {
  const path = `${directory}/${limit.file}`;
  if (errno === ERRNO.EBUSY && limit.file === 'memory.limit_in_bytes') {
    const [usage, peak] = ['usage', 'max_usage'].map((name) => tryRead(kernel, `${directory}/memory.${name}_in_bytes`));
    const detail = `current usage: ${String(usage).trim()}, peak usage: ${String(peak).trim()}`;
    return new CgroupError(`unable to set memory limit to ${limit.value} (${detail})`);
  }
  if (record.layout === 'v2' && [ERRNO.ENOENT, ERRNO.EPERM, ERRNO.EACCES].some((one) => one === errno)) {
    const controllers = tryRead(kernel, `${directory}/cgroup.controllers`);
    const available = typeof controllers === 'string' ? controllers.trim().split(' ') : undefined;
    if (available && limit.controller !== 'cgroup' && !available.includes(limit.controller))
      return new CgroupFileError(
        `write ${limit.value} to ${path}: controller ${JSON.stringify(limit.controller)} not available`,
        path,
        errno,
      );
  }
  return writeError(path, limit.value, errno);
}
