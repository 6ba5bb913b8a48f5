/** How the process and its I/O are scheduled: config.md, "scheduler" and "ioPriority". */

import { ioprioSet, schedSetattr } from '../../native/calls/scheduling.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { IOPRIO_CLASS, SCHED, SCHED_FLAG } from '../../native/constants/scheduling.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { IOPriority, Process, Scheduler, SchedulerFlag, SchedulerPolicy } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';

const POLICIES: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: SCHED.OTHER,
  SCHED_FIFO: SCHED.FIFO,
  SCHED_RR: SCHED.RR,
  SCHED_BATCH: SCHED.BATCH,
  SCHED_ISO: SCHED.ISO,
  SCHED_IDLE: SCHED.IDLE,
  SCHED_DEADLINE: SCHED.DEADLINE,
};

const FLAGS: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: SCHED_FLAG.RESET_ON_FORK,
  SCHED_FLAG_RECLAIM: SCHED_FLAG.RECLAIM,
  SCHED_FLAG_DL_OVERRUN: SCHED_FLAG.DL_OVERRUN,
  SCHED_FLAG_KEEP_POLICY: SCHED_FLAG.KEEP_POLICY,
  SCHED_FLAG_KEEP_PARAMS: SCHED_FLAG.KEEP_PARAMS,
  SCHED_FLAG_UTIL_CLAMP_MIN: SCHED_FLAG.UTIL_CLAMP_MIN,
  SCHED_FLAG_UTIL_CLAMP_MAX: SCHED_FLAG.UTIL_CLAMP_MAX,
};

const CLASSES: Readonly<Record<IOPriority['class'], number>> = {
  IOPRIO_CLASS_RT: IOPRIO_CLASS.RT,
  IOPRIO_CLASS_BE: IOPRIO_CLASS.BE,
  IOPRIO_CLASS_IDLE: IOPRIO_CLASS.IDLE,
};

/**
 * Adds both, each as a part of its own. More than an ordinary user may have takes CAP_SYS_NICE on the host.
 * @param cpus the CPUs that config.json limits the container to: a scheduler that reserves time wants all of them
 * @param pid whose priorities they are, as the performer sees it; 0 for the performer's own
 */
export function addPriorities(batch: PartedBatch, process: Process, cpus: string | undefined, pid: Pid = 0): void {
  const { scheduler, ioPriority } = process;
  if (scheduler !== undefined) {
    batch.add(schedSetattr(pid, attributesOf(scheduler)));
    const words = schedulerWords(scheduler);
    // sched_setattr(2): the kernel says EPERM, too, where the affinity leaves out some of the CPUs.
    batch.part(({ errno }) =>
      errno === ERRNO.EPERM && cpus ? `process scheduler can't be used together with AllowedCPUs: ${words}` : words,
    );
  }
  if (ioPriority !== undefined) {
    const { class: ioClass, priority = 0 } = ioPriority;
    batch.add(ioprioSet(pid, CLASSES[ioClass], priority));
    batch.part(`failed to set io priority: set ${ioClass}, priority ${priority}`);
  }
}

const attributesOf = (scheduler: Scheduler) => ({
  policy: POLICIES[scheduler.policy],
  flags: (scheduler.flags ?? []).reduce((all, name) => all | FLAGS[name], 0),
  nice: scheduler.nice ?? 0,
  priority: scheduler.priority ?? 0,
  runtime: scheduler.runtime ?? 0,
  deadline: scheduler.deadline ?? 0,
  period: scheduler.period ?? 0,
});

function schedulerWords({ policy, nice, priority, runtime, deadline, period }: Scheduler): string {
  const given = Object.entries({ nice, priority, runtime, deadline, period })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `, ${name} ${value}`);
  return `error setting scheduler: set ${policy}${given.join('')}`;
}
