/** Limits whose files are alike on v1 and v2. Pure. */

import type { LinuxResources } from '../../../spec/types.ts';
import { pidsMax } from './conversions.ts';
import type { Limit } from './limit.ts';

export const pidsLimits = ({ pids }: LinuxResources): readonly Limit[] =>
  pids?.limit === undefined ? [] : [{ controller: 'pids', file: 'pids.max', value: pidsMax(pids.limit) }];

/** @param suffix `limit_in_bytes` on v1, `max` on v2 */
export const hugetlbLimits = ({ hugepageLimits = [] }: LinuxResources, suffix: string): readonly Limit[] =>
  hugepageLimits.flatMap(({ pageSize, limit }): readonly Limit[] => [
    { controller: 'hugetlb', file: `hugetlb.${pageSize}.${suffix}`, value: String(limit) },
    // Since Linux 5.7 reservations have a limit of their own. Without it, mmap(2) would promise pages that a page fault
    // then denies.
    { controller: 'hugetlb', file: `hugetlb.${pageSize}.rsvd.${suffix}`, value: String(limit), tolerate: ['ENOENT'] },
  ]);

export const rdmaLimits = ({ rdma = {} }: LinuxResources): readonly Limit[] =>
  Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => ({
    controller: 'rdma',
    file: 'rdma.max',
    value: [
      device,
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ].join(' '),
  }));

export const cpusetLimits = ({ cpu = {} }: LinuxResources): readonly Limit[] => [
  ...(cpu.cpus ? [{ controller: 'cpuset', file: 'cpuset.cpus', value: cpu.cpus }] : []),
  ...(cpu.mems ? [{ controller: 'cpuset', file: 'cpuset.mems', value: cpu.mems }] : []),
];
