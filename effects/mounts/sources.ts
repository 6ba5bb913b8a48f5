/** Sources of bind mounts, opened on the host's side, where no rights of the container's decide what they show, or in order. */

import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mountSetattr, openTree } from '../../native/calls/mounts.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { ResultRef } from '../../native/kernel/kernel.ts';
import { perform, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';
import { describe, reasonOfStep } from './failure.ts';
import type { HostSide } from './host-side.ts';
import type { BindStep, MountIdmap, MountStep } from './steps.ts';

const isBind = (step: MountStep): step is BindStep => step.step === 'bind';

/** A bind whose source lies in the rootfs: what comes before it may have mounted something there. */
export type InnerBind = BindStep & { readonly within: string };

export const isInner = (step: MountStep): step is InnerBind => isBind(step) && step.within !== undefined;

const isEarly = (step: MountStep): step is BindStep => isBind(step) && step.within === undefined;

const idmapsOf = (steps: readonly MountStep[]): readonly MountIdmap[] =>
  steps.filter(isBind).flatMap(({ idmap }) => (idmap === undefined ? [] : [idmap]));

/** The path of a user namespace with the mappings of a mount. */
export type NamespaceOf = (idmap: MountIdmap) => string;

/**
 * All that do not lie in the rootfs, at once.
 * @returns the steps, these binds with their trees, opened in the init
 * @throws EffectError
 */
export function openSources(
  host: HostSide,
  steps: readonly MountStep[],
  namespaceOf: NamespaceOf,
): readonly MountStep[] {
  const binds = steps.filter(isEarly);
  const trees = openTrees(host, binds, namespaceOf, (batch, { source, recursive }) =>
    batch.add(openTree(AT.FDCWD, source, { clone: true, recursive })),
  );
  let next = 0;
  return steps.map((step) => (isEarly(step) ? { ...step, tree: trees[next++] ?? -1 } : step));
}

/**
 * One that lies in the rootfs, as it is now. A symlink of the image's leads nowhere else than inside of it.
 * @param root the rootfs, opened by who opens the source
 * @throws EffectError
 */
export function openSourceWithin(host: HostSide, root: number, step: InnerBind, namespaceOf: NamespaceOf): BindStep {
  const stat = out(STATX_BYTES);
  const [tree = -1] = openTrees(host, [step], namespaceOf, (batch) => {
    const source = batch.add(openInRoot(root, step.within, O.PATH));
    batch.add(statx(source, '', stat));
    const opened = batch.add(openTree(source, '', { clone: true, recursive: step.recursive }));
    batch.add(close(source));
    return opened;
  });
  return { ...step, tree, placeholder: typeOf(stat) === S.IFDIR ? 'directory' : 'file' };
}

function openTrees(
  host: HostSide,
  binds: readonly BindStep[],
  namespaceOf: NamespaceOf,
  open: (batch: Batch, step: BindStep) => ResultRef,
): readonly number[] {
  if (binds.length === 0) return [];
  const namespaces = openAll(host, [...new Set(idmapsOf(binds).map(namespaceOf))]);
  const batch = new Batch();
  const opened: { readonly step: BindStep; readonly tree: number; readonly end: number }[] = [];
  for (const step of binds) {
    const tree = open(batch, step);
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
  host.release(ours);
  return trees;
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
