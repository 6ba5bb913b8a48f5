import type { Process } from '../config/process.ts';
import { checkNumberList } from '../number-list.ts';
import type { JsonPath, Report } from '../problem.ts';

/** Scheduler, I/O priority and affinity, with runc's rules and words (sched_setattr(2), ioprio_set(2)). */
export function checkScheduling(
  { scheduler, ioPriority, execCPUAffinity }: Process,
  at: JsonPath,
  report: Report,
): void {
  if (scheduler) checkScheduler(scheduler, [...at, 'scheduler'], report);
  const { priority = 0 } = ioPriority ?? {};
  if (priority < 0 || priority > 7) {
    report([...at, 'ioPriority', 'priority'], `invalid ioPriority.Priority: ${priority}`);
  }
  const { initial = '', final = '' } = execCPUAffinity ?? {};
  const affinity = [...at, 'execCPUAffinity'];
  checkNumberList(initial, (reason) => report([...affinity, 'initial'], `bad CPUAffinity.Initial: ${reason}`));
  checkNumberList(final, (reason) => report([...affinity, 'final'], `bad CPUAffinity.Final: ${reason}`));
}

function checkScheduler(scheduler: NonNullable<Process['scheduler']>, at: JsonPath, report: Report): void {
  const { policy, nice = 0, priority = 0 } = scheduler;
  if ((policy === 'SCHED_OTHER' || policy === 'SCHED_BATCH') && (nice < -20 || nice > 19)) {
    const reason = `invalid scheduler.nice: ${nice} when scheduler.policy is ${policy}`;
    report([...at, 'nice'], reason);
  }
  if (priority !== 0 && policy !== 'SCHED_FIFO' && policy !== 'SCHED_RR') {
    const reason = 'scheduler.priority can only be specified for SchedFIFO or SchedRR policy';
    report([...at, 'priority'], reason);
  }
  if (policy === 'SCHED_DEADLINE') return;
  for (const name of ['runtime', 'deadline', 'period'] as const) {
    if (BigInt(scheduler[name] ?? 0) === 0n) continue;
    const reason = 'scheduler runtime/deadline/period can only be specified for SchedDeadline policy';
    report([...at, name], reason);
  }
}
