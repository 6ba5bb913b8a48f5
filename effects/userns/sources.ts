/** Sources of bind mounts, opened on the host's side: what they show there no rights of the container's decide. */

import { Batch } from '../../native/batch.ts';
import { close, openat } from '../../native/calls/files.ts';
import { mountSetattr, openTree } from '../../native/calls/mounts.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { perform, SyscallError } from '../../native/perform.ts';
import { doing, EffectError } from '../error.ts';
import { describe, reasonOfStep } from '../mounts/failure.ts';
import type { BindStep, MountIdmap, MountStep } from '../mounts/steps.ts';
import type { HostSide } from './host-side.ts';

const isBind = (step: MountStep): step is BindStep => step.step === 'bind';

const idmapsOf = (steps: readonly MountStep[]): readonly MountIdmap[] =>
  steps.filter(isBind).flatMap(({ idmap }) => (idmap === undefined ? [] : [idmap]));

/**
 * @param namespaceOf the path of a user namespace with the mappings of a mount
 * @returns the steps, the binds with their trees, opened in the init
 * @throws EffectError
 */
export function openSources(
  host: HostSide,
  steps: readonly MountStep[],
  namespaceOf: (idmap: MountIdmap) => string,
): readonly MountStep[] {
  const binds = steps.filter(isBind);
  if (binds.length === 0) return steps;
  const namespaces = openAll(host, [...new Set(idmapsOf(steps).map(namespaceOf))]);
  const batch = new Batch();
  const opened: { readonly step: BindStep; readonly tree: number; readonly end: number }[] = [];
  for (const step of binds) {
    const tree = batch.add(openTree(AT.FDCWD, step.source, { clone: true, recursive: step.recursive }));
    if (step.idmap !== undefined) {
      const userns = namespaces.get(namespaceOf(step.idmap)) ?? -1;
      batch.add(mountSetattr(tree, '', { set: MOUNT_ATTR.IDMAP, userns }, step.idmap.recursive));
    }
    opened.push({ step, tree: tree.index, end: batch.calls.length });
  }
  const { results, stoppedAt } = host.kernel.submit(batch.calls);
  if (stoppedAt !== undefined) throw failure(opened, batch, results, stoppedAt);
  const ours = opened.map(({ tree }) => results[tree] ?? -1);
  const trees = host.give(ours);
  host.kernel.submit(ours.map((fd) => close(fd)));
  let next = 0;
  return steps.map((step) => (isBind(step) ? { ...step, tree: trees[next++] ?? -1 } : step));
}

/** Descriptors that a structure can hold: those of the same batch it could not. @throws EffectError */
function openAll({ kernel }: HostSide, paths: readonly string[]): ReadonlyMap<string, number> {
  if (paths.length === 0) return new Map();
  const fds = doing('open the user namespaces of id-mapped mounts', () =>
    perform(
      kernel,
      paths.map((path) => openat(AT.FDCWD, path, O.RDONLY)),
    ),
  );
  return new Map(paths.map((path, i) => [path, fds[i] ?? -1]));
}

function failure(
  opened: readonly { readonly step: BindStep; readonly end: number }[],
  { calls }: Batch,
  results: readonly number[],
  stoppedAt: number,
): Error {
  const step = opened.find(({ end }) => stoppedAt < end)?.step;
  const call = calls[stoppedAt];
  if (step === undefined || call === undefined) return new RangeError('a batch stopped beyond its end');
  const error = new SyscallError(call, -(results[stoppedAt] ?? 0), stoppedAt);
  const idmapping = call.name === 'mount_setattr';
  const hint =
    idmapping && error.code === 'EINVAL' ? ' (does its file system support id-mapped mounts on this kernel?)' : '';
  return new EffectError(`${describe(step)}: ${idmapping ? 'map its ids: ' : ''}${reasonOfStep(step, error)}${hint}`, {
    cause: error,
  });
}
