/** Sources of bind mounts, opened on the host's side: the container's root may not be able to walk to them. */

import { Batch } from '../../native/batch.ts';
import { close } from '../../native/calls/files.ts';
import { openTree } from '../../native/calls/mounts.ts';
import { AT } from '../../native/constants/files.ts';
import { SyscallError } from '../../native/perform.ts';
import { EffectError } from '../error.ts';
import { describe, reasonOfStep } from '../mounts/failure.ts';
import type { BindStep, MountStep } from '../mounts/plan.ts';
import type { HostSide } from './host-side.ts';

const isBind = (step: MountStep): step is BindStep => step.step === 'bind';

/** @returns the steps, the binds with their trees, opened in the init. @throws EffectError */
export function openSources(host: HostSide, steps: readonly MountStep[]): readonly MountStep[] {
  const binds = steps.filter(isBind);
  const batch = new Batch();
  for (const { source, recursive } of binds) batch.add(openTree(AT.FDCWD, source, { clone: true, recursive }));
  const { results, stoppedAt } = host.kernel.submit(batch.calls);
  const failed = stoppedAt === undefined ? undefined : binds[stoppedAt];
  const call = batch.calls[stoppedAt ?? -1];
  if (failed !== undefined && call !== undefined) {
    const error = new SyscallError(call, -(results[stoppedAt ?? 0] ?? 0), stoppedAt);
    throw new EffectError(`${describe(failed)}: ${reasonOfStep(failed, error)}`, { cause: error });
  }
  const trees = host.give(results);
  host.kernel.submit(results.map((fd) => close(fd)));
  let next = 0;
  return steps.map((step) => (isBind(step) ? { ...step, tree: trees[next++] ?? -1 } : step));
}
