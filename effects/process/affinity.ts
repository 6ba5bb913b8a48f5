/** The CPUs that processes may run on: config.md, "execCPUAffinity". */

import { schedSetaffinity } from '../../native/calls/scheduling.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import { maskOf } from '../../spec/number-list.ts';
import type { ExecCPUAffinity } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';

/** As many as Linux can be built for. */
const MOST_CPUS = 8192;

/**
 * All CPUs, also those that are not there yet: the kernel makes of it what the cgroup allows. Without it a container would be kept
 * to those that whoever called the runtime happens to be kept to. No obstacle where it is denied, as with runc.
 */
export const freeAffinity = (): Call => ({
  ...schedSetaffinity(0, new Uint8Array(MOST_CPUS / 8).fill(0xff)),
  mayFail: true,
});

/** For the stage of an `exec`, before it moves into the cgroup; what it starts inherits it. @throws EffectError */
export function setInitialAffinity(stage: Kernel, { initial = '' }: ExecCPUAffinity = {}): void {
  if (initial === '') return;
  const setting = schedSetaffinity(0, maskOf(initial));
  doing(`error setting initial CPU affinity: set CPUs ${initial}`, () => call(stage, setting));
}

/** Adds, for the process of an `exec`, which is in its cgroup. With an initial affinity only, the kernel has the last word. */
export function addFinalAffinity(batch: PartedBatch, { initial = '', final = '' }: ExecCPUAffinity = {}): void {
  if (final !== '') {
    batch.add(schedSetaffinity(0, maskOf(final)));
    batch.part(`error setting final CPU affinity: set CPUs ${final}`);
  } else if (initial === '') batch.add(freeAffinity());
}
