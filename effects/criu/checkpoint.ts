/** Lets CRIU write the processes of a container to images. */

import { fcntl, openat, STATX_BYTES, statx, write } from '../../native/calls/files.ts';
import { setsid } from '../../native/calls/process.ts';
import { inodeOf, typeOf } from '../../native/calls/stat.ts';
import { AT, F, O, S } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { isFrozen, thaw } from '../cgroups/freeze.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { hostId, inUserNamespace } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';
import { openInRoot } from '../paths/in-root.ts';
import { linksOf } from '../paths/links.ts';
import { plainMounts, plannedSteps } from '../rootfs/make.ts';
import { openInit } from '../running/observe.ts';
import type { Session } from '../session.ts';
import { letPass, makeDirectories, openDirectories, withoutLog, writeDescriptors } from './directories.ts';
import { boundDevices, boundMounts, externalAtDump } from './external.ts';
import { withLog } from './failure.ts';
import {
  type CheckpointOptions,
  type CriuVersion,
  type Directories,
  DUMP_LOG,
  dumpOptions,
  externalNamespaces,
  NOTIFIES_STATUS,
} from './options.ts';
import { resolvedInRoot } from './resolve.ts';
import { askCriu, type Notification } from './service.ts';
import { criuVersion, refuseNamespaces, requireFeature } from './version.ts';

export interface CheckpointKind {
  readonly leaveRunning: boolean;
  /** The memory alone, which `--parent-path` of a later one refers to; the container runs on. */
  readonly preDump: boolean;
}

/**
 * Writes a container's processes to images. They are gone afterwards, unless `kind` says otherwise.
 * @throws EffectError with what CRIU's log says. The container is as it was then
 */
export async function checkpoint(
  session: Session,
  record: ContainerRecord,
  kind: CheckpointKind,
  options: CheckpointOptions,
): Promise<void> {
  const { platform } = session;
  const { local } = platform;
  const pidfd = record.init === undefined ? undefined : openInit(local, record.init);
  if (pidfd === undefined) throw new EffectError('container not running');
  using init = new Owned(local, pidfd);
  const version = await criuVersion(session);
  refuseNamespaces(record, version);
  if (kind.preDump) await requireFeature(session, 'memoryTracking');
  if (options.lazyPages) await requireFeature(session, 'lazyPages');
  await dump(session, record, kind, options, version);
  if (!kind.leaveRunning && !kind.preDump) await untilGone(session, record, init.fd);
}

async function dump(
  session: Session,
  record: ContainerRecord,
  kind: CheckpointKind,
  options: CheckpointOptions,
  version: CriuVersion,
): Promise<void> {
  const { local } = session.platform;
  using status = pageServerStatus(local, options);
  const isMade = makeDirectories(local, options);
  using directories = openDirectories(local, options);
  const wasFrozen = record.cgroup !== undefined && isFrozen(local, record.cgroup);
  try {
    if (isMade) letContainerPass(local, record, directories);
    const external = [...namespacesAtDump(local, record), ...(kind.preDump ? [] : mountsAtDump(session, record))];
    if (!kind.preDump) writeDescriptors(local, directories, standardLinks(local, record));
    const log = withoutLog(local, options, DUMP_LOG);
    const request = {
      type: kind.preDump ? REQUEST.PRE_DUMP : REQUEST.DUMP,
      options: dumpOptions(record, kind, options, { version, directories, external }),
    };
    try {
      await askCriu(session, {
        request: () => request,
        // Ctrl-C at a terminal is for this command alone. CRIU lets all processes run again when this command is gone.
        ...(options.shellJob ? {} : { prepare: (process) => call(process, setsid()) }),
        onNotification: ({ script }: Notification) => {
          if (script === 'status-ready') status?.ready();
        },
        ...(version < NOTIFIES_STATUS && status !== undefined ? { onAnswer: status.release } : {}),
      });
    } catch (error) {
      throw withLog(local, error, log);
    }
  } catch (error) {
    // CRIU thaws what it has frozen, unless it was killed.
    if (record.cgroup !== undefined && !wasFrozen && isFrozen(local, record.cgroup)) thaw(local, record.cgroup);
    throw error;
  }
}

/** For a restore, which opens the images as the root of the container's user namespace. */
function letContainerPass(local: Kernel, record: ContainerRecord, directories: Directories): void {
  if (!inUserNamespace(record.config)) return;
  const gid = hostId(readMappings(local, record.init?.pid ?? 0).gid, 0);
  if (gid !== undefined) letPass(local, directories, gid);
}

function namespacesAtDump(local: Kernel, record: ContainerRecord): readonly string[] {
  return externalNamespaces(record).map(({ name, path, key }) => {
    const stat = out(STATX_BYTES);
    doing(`look at the namespace ${path}`, () => perform(local, [statx(AT.FDCWD, path, stat, 0)]));
    return `${name}[${inodeOf(stat)}]:${key}`;
  });
}

function mountsAtDump({ platform: { local } }: Session, record: ContainerRecord): readonly string[] {
  const bound = [...boundMounts(plannedSteps(local, record, plainMounts(record))), ...boundDevices(record.config)];
  const path = `/proc/${record.init?.pid ?? 0}/root`;
  using root = doing(`open ${path}`, () => opened(local, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY)));
  const resolved = bound.map(({ at, source }) => ({ at: resolvedInRoot(local, root.fd, at), source }));
  const masked = (record.config.linux?.maskedPaths ?? [])
    .filter((masked) => isFile(local, root.fd, masked))
    .map((masked) => resolvedInRoot(local, root.fd, masked));
  return [...new Set(externalAtDump(resolved, masked))];
}

/** Whether it is there and no directory: those are masked by another mount, which CRIU makes by itself. */
function isFile(local: Kernel, root: Fd, path: string): boolean {
  const found = attempt(local, openInRoot(root, path, O.PATH));
  if (found < 0) return false;
  using file = new Owned(local, found);
  const stat = out(STATX_BYTES);
  return attempt(local, statx(file.fd, '', stat)) >= 0 && typeOf(stat) !== S.IFDIR;
}

/**
 * Where the standard descriptors led when the container was created: meanwhile it may have put something of its own in
 * their place.
 */
const standardLinks = (local: Kernel, { options, init }: ContainerRecord): readonly string[] =>
  options.stdio ?? linksOf(local, [0, 1, 2], init?.pid ?? 0);

/** The descriptor by which the caller hears of the page server. It is closed in the end. */
interface PageServerStatus extends Disposable {
  /** Tells the caller that the page server can be connected to. */
  ready(): void;
  /** Closes the descriptor, once. */
  release(): void;
}

/** @throws EffectError in runc's words */
function pageServerStatus(local: Kernel, { lazyPages, statusFd }: CheckpointOptions): PageServerStatus | undefined {
  if (!lazyPages || statusFd === undefined) return undefined;
  let flags: number;
  try {
    flags = call(local, fcntl(statusFd, F.GETFL, 0));
  } catch (error) {
    throw new EffectError(`invalid --status-fd argument ${statusFd}: ${reasonOf(error)}`, { cause: error });
  }
  if ((flags & (O.WRONLY | O.RDWR)) === 0)
    throw new EffectError(`invalid --status-fd argument ${statusFd}: not writable`);
  const descriptor = new Owned(local, statusFd);
  let isOpen = true;
  const release = () => {
    isOpen = false;
    descriptor[Symbol.dispose]();
  };
  return {
    ready() {
      if (isOpen) attempt(local, write(statusFd, new Uint8Array(1)));
      release();
    },
    release,
    [Symbol.dispose]: release,
  };
}

/** Killed processes take their time to go. Frozen ones on cgroup v1 go once they are thawed. */
const PATIENCE_MS = 10_000;

async function untilGone({ platform }: Session, { cgroup }: ContainerRecord, init: Fd): Promise<void> {
  const { local } = platform;
  if (cgroup !== undefined && isFrozen(local, cgroup)) thaw(local, cgroup);
  await platform.poll([{ fd: init, events: POLL.IN }], PATIENCE_MS);
}
