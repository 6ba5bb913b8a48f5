/** Asks the kernel about a container. Commands that change nothing load this, and not the effects. */

import { isFrozen } from '../../effects/cgroups/freeze.ts';
import { hasStarted, isAlive } from '../../effects/running/observe.ts';
import type { Platform } from '../../native/platform.ts';
import type { ContainerRecord, Facts } from '../../spec/record.ts';

export function observe({ local }: Platform, { init, cgroup }: ContainerRecord): Facts {
  if (init === undefined || !isAlive(local, init)) return { init: 'gone', frozen: false, started: false };
  return {
    init: 'alive',
    frozen: cgroup !== undefined && isFrozen(local, cgroup),
    started: hasStarted(local, init),
  };
}
