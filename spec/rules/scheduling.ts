import type { Process } from '../config/process.ts';
import type { JsonPath, Problem } from '../problem.ts';

/** Scheduler and I/O priority, with runc's rules and words (sched_setattr(2), ioprio_set(2)). */
export function* schedulingProblems({ scheduler, ioPriority }: Process, at: JsonPath): Generator<Problem> {
  if (scheduler) yield* schedulerProblems(scheduler, [...at, 'scheduler']);
  const { priority = 0 } = ioPriority ?? {};
  if (priority < 0 || priority > 7) {
    yield { path: [...at, 'ioPriority', 'priority'], reason: `invalid ioPriority.Priority: ${priority}` };
  }
}

function* schedulerProblems(scheduler: NonNullable<Process['scheduler']>, at: JsonPath): Generator<Problem> {
  const { policy, nice = 0, priority = 0 } = scheduler;
  if ((policy === 'SCHED_OTHER' || policy === 'SCHED_BATCH') && (nice < -20 || nice > 19)) {
    const reason = `invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`;
    yield { path: [...at, 'nice'], reason };
  }
  if (priority !== 0 && policy !== 'SCHED_FIFO' && policy !== 'SCHED_RR') {
    const reason = 'scheduler.priority can only be specified for SchedFIFO or SchedRR policy';
    yield { path: [...at, 'priority'], reason };
  }
  if (policy === 'SCHED_DEADLINE') return;
  for (const name of ['runtime', 'deadline', 'period'] as const) {
    if (BigInt(scheduler[name] ?? 0) === 0n) continue;
    const reason = 'scheduler runtime/deadline/period can only be specified for SchedDeadline policy';
    yield { path: [...at, name], reason };
  }
}
