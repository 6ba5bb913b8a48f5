/** Calls that say when and where a process runs. The model only remembers them. */

import { fail } from './failure.ts';
import { processOf } from './processes.ts';
import type { Calls } from './world.ts';

/** sched_setattr(2), version 0. */
const LEAST_ATTR_BYTES = 48;
const SCHED_DEADLINE = 6;

export const schedulingCalls: Calls = {
  sched_setaffinity(p, a) {
    if (!a.bytes(2).subarray(0, a.num(1)).some(Boolean)) fail('EINVAL');
    processOf(p, a.num(0)).attributes.scheduling.set('affinity', [...a.bytes(2).subarray(0, a.num(1))]);
  },
  sched_setattr(p, a) {
    const view = a.view(1, LEAST_ATTR_BYTES);
    const policy = view.getUint32(4, true);
    if (policy > SCHED_DEADLINE) fail('EINVAL');
    processOf(p, a.num(0)).attributes.scheduling.set('scheduler', [policy, view.getInt32(16, true)]);
  },
  ioprio_set(p, a) {
    processOf(p, a.num(1)).attributes.scheduling.set('io', [a.num(2)]);
  },
  set_mempolicy(p, a) {
    p.attributes.scheduling.set('memory', [a.num(0), ...(a.isNull(1) ? [] : a.bytes(1))]);
  },
};
