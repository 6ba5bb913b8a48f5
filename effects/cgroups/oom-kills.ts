/** Counts the processes of a cgroup that the kernel has killed for lack of memory. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { tryRead } from './files.ts';

/** @returns 0 where nobody counts them: without a memory controller, and before Linux 4.13 */
export function oomKills(kernel: Kernel, { layout, paths }: CgroupRecord): number {
  const file = layout === 'v2' ? `${paths.unified}/memory.events` : `${paths.memory}/memory.oom_control`;
  const text = tryRead(kernel, file);
  return typeof text === 'string' ? Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) : 0;
}
