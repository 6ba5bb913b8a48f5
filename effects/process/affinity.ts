/** The CPUs that processes may run on: config.md, "execCPUAffinity". */

import { schedSetaffinity } from '../../native/calls/scheduling.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { call } from '../../native/kernel/perform.ts';
import { maskOf } from '../../spec/number-list.ts';
import type { ExecCPUAffinity } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';

/** The most CPUs that Linux can be built for. */
const MOST_CPUS = 8192;

/**
 * Allows all CPUs, also those that are not there yet. The kernel takes from them what the cgroup allows. Without this
 * call a container would be kept to the CPUs that the runtime's caller happens to be kept to. If it is denied, the
 * container starts all the same, as with runc.
 */
export const freeAffinity = (): Call => ({
  ...schedSetaffinity(0, new Uint8Array(MOST_CPUS / 8).fill(0xff)),
  mayFail: true,
});

/**
 * Called for the stage of an `exec`, before it moves into the cgroup. Its children inherit the CPUs.
 * @throws EffectError
 */
export function setInitialAffinity(stage: Kernel, { initial = '' }: ExecCPUAffinity = {}): void {
  if (initial === '') return;
  const setting = schedSetaffinity(0, maskOf(initial));
  doing(`error setting initial CPU affinity: set CPUs ${initial}`, () => call(stage, setting));
}

/**
 * Adds the affinity of an `exec`'s process, which is in its cgroup by now. Where the config gives an initial affinity
 * only, the CPUs are those that the kernel has made of it.
 */
export function addFinalAffinity(batch: PartedBatch, { initial = '', final = '' }: ExecCPUAffinity = {}): void {
  if (final !== '') {
    batch.add(schedSetaffinity(0, maskOf(final)));
    batch.part(`error setting final CPU affinity: set CPUs ${final}`);
  } else if (initial === '') batch.add(freeAffinity());
}
