/**
 * The sources of bind mounts. The host's side opens them: there the container's rights do not decide what they show. A
 * source that lies in the rootfs is opened only when it is its turn.
 */

import { close, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { mountSetattr, openTree } from '../../native/calls/mounts.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { failureOf, perform, type SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';
import { describe, reasonOfStep } from './failure.ts';
import type { HostSide } from './host-side.ts';
import type { BindStep, MountIdmap, MountStep } from './steps.ts';

const isBind = (step: MountStep): step is BindStep => step.step === 'bind';

/** A bind whose source lies in the rootfs: a step before it may have mounted something there. */
export type InnerBind = BindStep & { readonly within: string };

export const isInner = (step: MountStep): step is InnerBind => isBind(step) && step.within !== undefined;

const isOuter = (step: MountStep): step is BindStep => isBind(step) && step.within === undefined;

const idmapsOf = (steps: readonly MountStep[]): readonly MountIdmap[] =>
  steps.filter(isBind).flatMap(({ idmap }) => (idmap === undefined ? [] : [idmap]));

/** The path of a user namespace with the mappings of a mount. */
export type NamespaceOf = (idmap: MountIdmap) => string;

/**
 * Opens all sources that do not lie in the rootfs, at once.
 * @returns the steps; the binds of these sources have their trees, open in the init
 * @throws EffectError
 */
export function openSources(
  host: HostSide,
  steps: readonly MountStep[],
  namespaceOf: NamespaceOf,
): readonly MountStep[] {
  const trees = openTrees(host, steps.filter(isOuter), namespaceOf, (batch, { source, recursive, nofollow }) =>
    batch.add(openTree(AT.FDCWD, source, { clone: true, recursive, nofollow: nofollow?.source ?? false })),
  );
  return steps.map((step) => (isOuter(step) ? withTree(step, trees) : step));
}

/**
 * Opens a source that lies in the rootfs, as it is now. A symlink of the image leads nowhere but inside the rootfs.
 * @param root the rootfs, open in the host's side
 * @throws EffectError
 */
export function openSourceWithin(host: HostSide, root: Fd, step: InnerBind, namespaceOf: NamespaceOf): BindStep {
  const stat = out(STATX_BYTES);
  const trees = openTrees(host, [step], namespaceOf, (batch) => {
    const nofollow = step.nofollow?.source ? O.NOFOLLOW : 0;
    const source = batch.add(openInRoot(root, step.within, O.PATH | nofollow));
    batch.add(statx(source, '', stat));
    const tree = batch.add(openTree(source, '', { clone: true, recursive: step.recursive }));
    batch.add(close(source));
    return tree;
  });
  return { ...withTree(step, trees), placeholder: typeOf(stat) === S.IFDIR ? 'directory' : 'file' };
}

/** The trees of binds, by the bind's step. */
type Trees = ReadonlyMap<BindStep, Fd>;

const withTree = (step: BindStep, trees: Trees): BindStep => ({ ...step, tree: trees.get(step) ?? -1 });

/** A tree that a batch opens; the calls for it end before `end`. */
interface Opening {
  readonly step: BindStep;
  readonly tree: ResultRef<Fd>;
  readonly end: number;
}

/** @returns the trees, open in the init. @throws EffectError */
function openTrees(
  host: HostSide,
  binds: readonly BindStep[],
  namespaceOf: NamespaceOf,
  open: (batch: Batch, step: BindStep) => ResultRef<Fd>,
): Trees {
  if (binds.length === 0) return new Map();
  const namespaces = openNamespaces(host, new Set(idmapsOf(binds).map(namespaceOf)));
  const batch = new Batch();
  const openings = binds.map((step): Opening => {
    const tree = open(batch, step);
    if (step.idmap !== undefined) {
      const userns = namespaces.get(namespaceOf(step.idmap)) ?? -1;
      batch.add(mountSetattr(tree, '', { set: MOUNT_ATTR.IDMAP, userns }, step.idmap.recursive));
    }
    return { step, tree, end: batch.calls.length };
  });
  const outcome = host.kernel.submit(batch.calls);
  const error = failureOf(batch.calls, outcome);
  if (error !== undefined) throw worded(error, openings);
  const own = openings.map(({ tree }) => resultOf(outcome.results, tree));
  const given = host.give(own);
  host.release(own);
  return new Map(openings.map(({ step }, i) => [step, given[i] ?? -1]));
}

/**
 * Opens namespaces by their paths. They cannot be opened in the batch that uses them: a structure holds a descriptor's
 * number, which has to be known before.
 * @throws EffectError
 */
function openNamespaces({ kernel }: HostSide, paths: ReadonlySet<string>): ReadonlyMap<string, Fd> {
  if (paths.size === 0) return new Map();
  const batch = new Batch();
  const files = [...paths].map((path) => ({ path, file: batch.add(openat(AT.FDCWD, path, O.RDONLY)) }));
  const results = doing('open the user namespaces of id-mapped mounts', () => perform(kernel, batch.calls));
  return new Map(files.map(({ path, file }) => [path, resultOf(results, file)]));
}

/** The error of a call, with words for the step that it is part of. */
function worded(error: SyscallError, openings: readonly Opening[]): Error {
  const step = openings.find(({ end }) => error.index < end)?.step;
  if (step === undefined) return error;
  const idmapping = error.call.name === 'mount_setattr';
  const hint =
    idmapping && error.code === 'EINVAL' ? ' (does its file system support id-mapped mounts on this kernel?)' : '';
  return new EffectError(`${describe(step)}: ${idmapping ? 'map its ids: ' : ''}${reasonOfStep(step, error)}${hint}`, {
    cause: error,
    about: { path: step.at },
  });
}
