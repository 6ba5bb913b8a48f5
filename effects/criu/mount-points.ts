/** The rootfs as CRIU expects it: with a mount point for everything that is mounted in it, as creating a container leaves it. */

import { close, closeRange, openat } from '../../native/calls/files.ts';
import { mount } from '../../native/calls/mounts.ts';
import { unshare } from '../../native/calls/process.ts';
import { reapChild } from '../../native/calls/reap.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MS } from '../../native/constants/mount.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Mount } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';
import { performMounts } from '../mounts/perform.ts';
import type { MountStep } from '../mounts/steps.ts';
import { makePlaceholder } from '../paths/in-root.ts';
import { pathOf } from '../paths/proc.ts';
import { attachRootfs } from '../rootfs/attach.ts';
import { plainMounts, plannedSteps } from '../rootfs/make.ts';
import type { Session } from '../session.ts';
import { type Bound, boundMounts } from './external.ts';
import { resolvedInRoot } from './resolve.ts';

/** What a process does first that is to mount something which the host shall not see. */
export const enterOwnMounts = () => [unshare(CLONE.NEWNS), mount('', '/', null, MS.SLAVE | MS.REC, null)];

/**
 * Makes the mount points that are missing. Binds are mounted meanwhile, since there may be mount points in them, by a
 * process in a mount namespace of its own: with it they are gone, however this ends.
 * @returns what is bound, where it really is
 * @throws EffectError
 */
export function makeMountPoints(session: Session, record: ContainerRecord): readonly Bound[] {
  const { local } = session.platform;
  const mounts = plainMounts(record);
  const all = boundMounts(plannedSteps(local, record, mounts));
  // Those in a cgroup mount, and in any other tmpfs, come with its content.
  const steps = plannedSteps(local, record, mounts.filter(isNoCgroup)).filter(({ at }) => !isOnTmpfs(at, mounts));
  return inOwnMounts(session, (kernel) => {
    const root = attachRootfs(kernel, record.rootfs, undefined);
    for (const step of steps) makeOne(kernel, root, step);
    return all.map(({ at, source }) => ({ at: resolvedInRoot(kernel, root, at), source: realPath(kernel, source) }));
  });
}

/** CRIU would take a symlink for what is to be mounted. */
function realPath(kernel: Kernel, path: string): string {
  const fd = attempt(kernel, openat(AT.FDCWD, path, O.PATH));
  if (fd < 0) return path;
  try {
    return pathOf(kernel, fd);
  } finally {
    attempt(kernel, close(fd));
  }
}

function makeOne(kernel: Kernel, root: number, step: MountStep): void {
  try {
    if (step.step === 'filesystem') makePlaceholder(kernel, root, step.at, step.placeholder);
    else if (step.step === 'bind') performMounts(kernel, root, [{ ...step, ...UNCHANGED }]);
  } catch (error) {
    throw new EffectError(`make the mount point ${step.at}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Only the tree matters here; what is read-only could not be filled. */
const UNCHANGED = {
  attributes: { set: 0, clear: 0 },
  attributesBelow: { set: 0, clear: 0 },
  idmap: undefined,
  propagation: [],
} as const;

const isNoCgroup = ({ type }: Mount): boolean => type !== 'cgroup' && type !== 'cgroup2';

const isOnTmpfs = (path: string, mounts: readonly Mount[]): boolean =>
  mounts.some(({ type, destination }) => type === 'tmpfs' && path.startsWith(`${destination.replace(/\/+$/, '')}/`));

function inOwnMounts<T>({ platform, inheritance }: Session, action: (kernel: Kernel) => T): T {
  const stage = platform.spawnStage(inheritance.stdio, 'stage');
  try {
    perform(stage.kernel, [closeRange(stage.socket + 1, 0x7fffffff), ...enterOwnMounts()]);
    return action(stage.kernel);
  } finally {
    attempt(platform.local, close(stage.connection));
    reapChild(platform.local, stage.pid);
  }
}
