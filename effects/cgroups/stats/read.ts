/** Reads what a container uses from its cgroup, in one batch. */

import { subdirectories } from '../../../native/calls/directory-entries.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import { CgroupFileError } from '../error.ts';
import { planRead, textOf, tryRead } from '../files.ts';
import type { ContainerStats } from './types.ts';
import { V1_FILES, v1HugetlbFiles, v1Stats } from './v1.ts';
import { V2_FILES, v2HugetlbFiles, v2Stats } from './v2.ts';

/** @throws CgroupFileError where a file is there and cannot be read */
export function readStats(kernel: Kernel, record: CgroupRecord): ContainerStats {
  const sizes = subdirectories(kernel, '/sys/kernel/mm/hugepages').flatMap(pageSizeOf).sort();
  const unified = record.layout === 'v2';
  const wanted: Readonly<Record<string, readonly string[]>> = unified
    ? { unified: [...V2_FILES, ...sizes.flatMap(v2HugetlbFiles)] }
    : { ...V1_FILES, hugetlb: sizes.flatMap(v1HugetlbFiles) };

  const batch = new Batch();
  const reads = Object.entries(wanted).flatMap(([controller, files]) => {
    const directory = record.paths[controller];
    if (directory === undefined) return [];
    return files.map((file) => ({ key: `${controller}/${file}`, read: planRead(batch, `${directory}/${file}`) }));
  });
  const { results } = kernel.submit(batch.calls);
  const found = new Map<string, string>();
  for (const { key, read } of reads) {
    const text = textOf(read, results) ?? tryRead(kernel, read.path, 8);
    if (typeof text === 'string') found.set(key, text);
    else if (!ABSENT.includes(-text)) throw new CgroupFileError(`read ${read.path}`, read.path, -text);
  }
  const texts = (controller: string, file: string) => found.get(`${controller}/${file}`);
  return unified ? v2Stats(texts, sizes) : v1Stats(texts, sizes);
}

/** The file is not there, is gone meanwhile, is switched off (pressure), or is refused by a threaded cgroup. */
const ABSENT: readonly number[] = [ERRNO.ENOENT, ERRNO.ENODEV, ERRNO.EOPNOTSUPP];

/** The page size in the names of the hugetlb controller's files: `hugepages-2048kB` → `2MB`. */
export function pageSizeOf(name: string): readonly string[] {
  const digits = /^hugepages-(\d+)kB$/.exec(name)?.[1];
  if (digits === undefined) return [];
  const kilobytes = Number(digits);
  if (kilobytes >= 1 << 20) return [`${kilobytes >> 20}GB`];
  return [kilobytes >= 1 << 10 ? `${kilobytes >> 10}MB` : `${kilobytes}KB`];
}
