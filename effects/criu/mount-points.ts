/**
 * Makes the rootfs as CRIU expects it: with a mount point for everything that is mounted in it, as the creation of a
 * container leaves it.
 */

import { openat } from '../../native/calls/files.ts';
import { mount } from '../../native/calls/mounts.ts';
import { unshare } from '../../native/calls/process.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MS } from '../../native/constants/mount.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Mount } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { performMounts } from '../mounts/perform.ts';
import type { MountStep } from '../mounts/steps.ts';
import { makePlaceholder } from '../paths/in-root.ts';
import { attachRootfs } from '../rootfs/attach.ts';
import { plainMounts, plannedSteps } from '../rootfs/make.ts';
import type { Session } from '../session.ts';
import { type Bound, boundMounts } from './external.ts';
import { resolvedInRoot } from './resolve.ts';
import { inStage } from './stage.ts';

/** The first calls of a process that mounts something which the host shall not see. */
export const enterOwnMounts = () => [unshare(CLONE.NEWNS), mount('', '/', null, MS.SLAVE | MS.REC, null)];

/**
 * Makes the mount points that are missing. Binds are mounted meanwhile, since there may be mount points in them. A
 * stage does so in a mount namespace of its own: the mounts are gone with the stage, however this ends.
 * @returns what is bound, by the paths where it really is
 * @throws EffectError
 */
export function makeMountPoints(session: Session, record: ContainerRecord): readonly Bound[] {
  const { local } = session.platform;
  const mounts = plainMounts(record);
  const all = boundMounts(plannedSteps(local, record, mounts));
  // A mount point in a cgroup mount, or in any tmpfs, comes with the content of that.
  const steps = plannedSteps(local, record, mounts.filter(isNoCgroup)).filter(({ at }) => !isOnTmpfs(at, mounts));
  return inStage(session, [], (kernel) => {
    perform(kernel, enterOwnMounts());
    const root = attachRootfs(kernel, record.rootfs, undefined);
    for (const step of steps) makeOne(kernel, root, step);
    return all.map(({ at, source }) => ({ at: resolvedInRoot(kernel, root, at), source: realPath(kernel, source) }));
  });
}

/** CRIU does not follow symlinks: it would mount the symlink itself. */
function realPath(kernel: Kernel, path: string): string {
  const found = attempt(kernel, openat(AT.FDCWD, path, O.PATH));
  if (found < 0) return path;
  using file = new Owned(kernel, found);
  return pathOfOpenFile(kernel, file.fd);
}

function makeOne(kernel: Kernel, root: Fd, step: MountStep): void {
  try {
    if (step.step === 'filesystem') makePlaceholder(kernel, root, step.at, step.placeholder);
    else if (step.step === 'bind') performMounts(kernel, root, [{ ...step, ...UNCHANGED }]);
  } catch (error) {
    throw new EffectError(`make the mount point ${step.at}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Only the tree of mounts matters here. In a bind that is read-only, no mount point could be made. */
const UNCHANGED = {
  attributes: { set: 0, clear: 0 },
  attributesBelow: { set: 0, clear: 0 },
  idmap: undefined,
  propagation: [],
} as const;

const isNoCgroup = ({ type }: Mount): boolean => type !== 'cgroup' && type !== 'cgroup2';

const isOnTmpfs = (path: string, mounts: readonly Mount[]): boolean =>
  mounts.some(({ type, destination }) => type === 'tmpfs' && path.startsWith(`${destination.replace(/\/+$/, '')}/`));
