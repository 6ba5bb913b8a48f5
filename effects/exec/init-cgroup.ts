/** Tells in which cgroup a container's init is now, on cgroup v2. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { detectLayout } from '../cgroups/layout.ts';
import { readSmallFile } from '../paths/proc.ts';

/** @returns the cgroup's directory, absolute; undefined where it is not known */
export function initCgroup(local: Kernel, { init }: ContainerRecord): string | undefined {
  if (init === undefined) return undefined;
  try {
    const path = /^0::(\/.*)$/m.exec(readSmallFile(local, `/proc/${init.pid}/cgroup`))?.[1];
    const { unified } = detectLayout(local);
    return path === undefined || unified === undefined ? undefined : `${unified.mountpoint}${path}`;
  } catch {
    return undefined;
  }
}
