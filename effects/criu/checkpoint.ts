/** Has CRIU write the processes of a container to images. */

import { close, fcntl, openat, STATX_BYTES, statx, write } from '../../native/calls/files.ts';
import { setsid } from '../../native/calls/process.ts';
import { typeOf } from '../../native/calls/stat.ts';
import { AT, F, O, S } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
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
import {
  closeDirectories,
  letPass,
  makeDirectories,
  openDirectories,
  withoutLog,
  writeDescriptors,
} from './directories.ts';
import { boundDevices, boundMounts, externalAtDump } from './external.ts';
import { withLog } from './failure.ts';
import {
  type CheckpointOptions,
  type CriuVersion,
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
 * The container's processes are gone afterwards, unless `kind` says otherwise.
 * @throws EffectError with what CRIU's log says; the container is as it was then
 */
export async function checkpoint(
  session: Session,
  record: ContainerRecord,
  kind: CheckpointKind,
  options: CheckpointOptions,
): Promise<void> {
  const { platform } = session;
  const { local } = platform;
  const init = record.init === undefined ? undefined : openInit(local, record.init);
  if (init === undefined) throw new EffectError('container not running');
  try {
    const version = await criuVersion(session);
    refuseNamespaces(record, version);
    if (kind.preDump) await requireFeature(session, 'memoryTracking');
    if (options.lazyPages) await requireFeature(session, 'lazyPages');
    const status = statusOf(local, options);
    await dump(session, record, kind, options, version, status);
    if (!kind.leaveRunning && !kind.preDump) await untilGone(session, record, init);
  } finally {
    attempt(local, close(init));
  }
}

async function dump(
  session: Session,
  record: ContainerRecord,
  kind: CheckpointKind,
  options: CheckpointOptions,
  version: CriuVersion,
  status: Status | undefined,
): Promise<void> {
  const { local } = session.platform;
  const made = makeDirectories(local, options);
  const directories = openDirectories(local, options);
  const wasFrozen = record.cgroup !== undefined && isFrozen(local, record.cgroup);
  try {
    if (made && inUserNamespace(record.config)) {
      const gid = hostId(readMappings(local, record.init?.pid ?? 0).gid, 0);
      if (gid !== undefined) letPass(local, directories, gid);
    }
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
        // A terminal's Ctrl-C is for this command. CRIU, when it hears no more of it, sets all going again.
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
    // CRIU sets going again what it has stopped, unless it was killed.
    if (record.cgroup !== undefined && !wasFrozen && isFrozen(local, record.cgroup)) thaw(local, record.cgroup);
    throw error;
  } finally {
    status?.release();
    closeDirectories(local, directories);
  }
}

function namespacesAtDump(local: Kernel, record: ContainerRecord): readonly string[] {
  return externalNamespaces(record).map(({ name, path, key }) => {
    const stat = out(STATX_BYTES);
    doing(`look at the namespace ${path}`, () => perform(local, [statx(AT.FDCWD, path, stat, 0)]));
    return `${name}[${viewOf(stat.bytes).getBigUint64(STX_INO, true)}]:${key}`;
  });
}

/** struct statx, uapi/linux/stat.h. */
const STX_INO = 32;

function mountsAtDump({ platform: { local } }: Session, record: ContainerRecord): readonly string[] {
  const bound = [...boundMounts(plannedSteps(local, record, plainMounts(record))), ...boundDevices(record.config)];
  const path = `/proc/${record.init?.pid ?? 0}/root`;
  const root = doing(`open ${path}`, () => call(local, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY)));
  try {
    const resolved = bound.map(({ at, source }) => ({ at: resolvedInRoot(local, root, at), source }));
    const masked = (record.config.linux?.maskedPaths ?? [])
      .filter((masked) => isFile(local, root, masked))
      .map((masked) => resolvedInRoot(local, root, masked));
    return [...new Set(externalAtDump(resolved, masked))];
  } finally {
    attempt(local, close(root));
  }
}

function isFile(local: Kernel, root: number, path: string): boolean {
  const fd = attempt(local, openInRoot(root, path, O.PATH));
  if (fd < 0) return false;
  const stat = out(STATX_BYTES);
  const looked = attempt(local, statx(fd, '', stat));
  attempt(local, close(fd));
  return looked >= 0 && typeOf(stat) !== S.IFDIR;
}

/** As they were when the container was created: meanwhile it may have put something of its own in their place. */
const standardLinks = (local: Kernel, { options, init }: ContainerRecord): readonly string[] =>
  options.stdio ?? linksOf(local, [0, 1, 2], init?.pid ?? 0);

interface Status {
  /** The page server can be connected to. */
  ready(): void;
  release(): void;
}

/** @throws EffectError in runc's words */
function statusOf(local: Kernel, { lazyPages, statusFd }: CheckpointOptions): Status | undefined {
  if (!lazyPages || statusFd === undefined) return undefined;
  let flags: number;
  try {
    flags = call(local, fcntl(statusFd, F.GETFL, 0));
  } catch (error) {
    throw new EffectError(`invalid --status-fd argument ${statusFd}: ${reasonOf(error)}`, { cause: error });
  }
  if ((flags & (O.WRONLY | O.RDWR)) === 0)
    throw new EffectError(`invalid --status-fd argument ${statusFd}: not writable`);
  let open = true;
  const release = () => {
    if (open) attempt(local, close(statusFd));
    open = false;
  };
  return {
    ready() {
      if (open) attempt(local, write(statusFd, new Uint8Array(1)));
      release();
    },
    release,
  };
}

/** Killed processes take their time to go; frozen ones on cgroup v1 go once they are thawed. */
const PATIENCE_MS = 10_000;

async function untilGone({ platform }: Session, { cgroup }: ContainerRecord, init: number): Promise<void> {
  const { local } = platform;
  if (cgroup !== undefined && isFrozen(local, cgroup)) thaw(local, cgroup);
  await platform.poll([{ fd: init, events: POLL.IN }], PATIENCE_MS);
}
