/** Calls that say when, where and with which memory a process runs. A pid of 0 is the performer. */

import { IOPRIO_CLASS_SHIFT, IOPRIO_WHO_PROCESS } from '../constants/scheduling.ts';
import type { Call } from '../kernel/kernel.ts';
import type { Pid } from '../kernel/numbers.ts';
import { viewOf } from '../kernel/struct.ts';

interface SchedAttr {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  /** In nanoseconds, as `deadline` and `period` are. */
  readonly runtime: number | bigint;
  readonly deadline: number | bigint;
  readonly period: number | bigint;
}

/** With sched_util_min and sched_util_max, which the flags UTIL_CLAMP_* ask for (since Linux 5.3). */
const SCHED_ATTR_BYTES = 56;

/** sched_setattr(2). */
export function schedSetattr(pid: Pid, attr: SchedAttr): Call {
  const bytes = new Uint8Array(SCHED_ATTR_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SCHED_ATTR_BYTES, true);
  view.setUint32(4, attr.policy, true);
  view.setBigUint64(8, BigInt(attr.flags), true);
  view.setInt32(16, attr.nice, true);
  view.setUint32(20, attr.priority, true);
  view.setBigUint64(24, BigInt(attr.runtime), true);
  view.setBigUint64(32, BigInt(attr.deadline), true);
  view.setBigUint64(40, BigInt(attr.period), true);
  return { name: 'sched_setattr', args: [pid, bytes, 0] };
}

/** sched_setaffinity(2). Bit n of the mask is CPU n. The kernel ignores CPUs beyond those that it can have. */
export const schedSetaffinity = (pid: Pid, mask: Uint8Array): Call => ({
  name: 'sched_setaffinity',
  args: [pid, mask.length, mask],
});

/** ioprio_set(2) of one process. */
export const ioprioSet = (pid: Pid, ioClass: number, priority: number): Call => ({
  name: 'ioprio_set',
  args: [IOPRIO_WHO_PROCESS, pid, (ioClass << IOPRIO_CLASS_SHIFT) | priority],
});

/**
 * set_mempolicy(2) of the performer. Bit n of the mask is memory node n. The kernel looks at one bit less than it is
 * told, so it is told one more.
 */
export const setMempolicy = (mode: number, nodes: Uint8Array): Call => ({
  name: 'set_mempolicy',
  args: nodes.length === 0 ? [mode, null, 0] : [mode, nodes, nodes.length * 8 + 1],
});
