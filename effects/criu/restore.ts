/** Lets CRIU bring the processes of a checkpointed container back, as children of this process. */

import { mkdirat, openat } from '../../native/calls/files.ts';
import { mount, mountSetattr, moveMount, openTree } from '../../native/calls/mounts.ts';
import { SIGINFO_BYTES, setns, unshare, waitid } from '../../native/calls/process.ts';
import { pathOfOpenFile } from '../../native/calls/read-link.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { type CriuOptions, REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { type Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { ContainerRecord, InitRecord } from '../../spec/record.ts';
import { PartedBatch } from '../batch.ts';
import { doing, EffectError } from '../error.ts';
import { addLoopbackUp } from '../namespaces/loopback.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { readSmallFile, startTimeOf } from '../paths/proc.ts';
import type { Session } from '../session.ts';
import { openDirectories, withoutLog } from './directories.ts';
import { boundDevices, externalAtRestore } from './external.ts';
import { withLog } from './failure.ts';
import { enterOwnMounts, makeMountPoints } from './mount-points.ts';
import { type Directories, externalNamespaces, RESTORE_LOG, restoreOptions } from './options.ts';
import type { Restoration } from './restoration.ts';
import { askCriu, FIRST_EXTRA, type Notification } from './service.ts';
import { inStage } from './stage.ts';

/**
 * @param enterCgroup moves a process into the container's cgroup. CRIU itself is moved, and so its children are there
 * @returns the init, which runs; its terminal, if it has one, has been sent to the console socket
 * @throws EffectError with what CRIU's log says. CRIU has ended then what it had restored
 */
export async function restore(
  session: Session,
  record: ContainerRecord,
  restoration: Restoration,
  enterCgroup: (process: Kernel) => void,
): Promise<InitRecord> {
  const { platform, inheritance } = session;
  const { local } = platform;
  const { options } = restoration;
  const { config } = record;
  const external = externalAtRestore([...makeMountPoints(session, record), ...boundDevices(config)], config);
  const namespaces = openNamespaces(local, record);
  const log = withoutLog(local, options, RESTORE_LOG);
  let root = '';
  let directories: (Directories & Disposable) | undefined;
  let pid: Pid | undefined;
  givePipes(session, record);
  try {
    await askCriu(session, {
      // A container with a terminal gets another one than the caller's.
      stdio: inheritance.consoleSocket === undefined ? inheritance.stdio : undefined,
      extra: namespaces.map(({ file }) => file.fd),
      prepare(process) {
        enterCgroup(process);
        // CRIU makes the cgroup namespace where it manages cgroups. Where it does not, the processes get CRIU's own.
        if (options.cgroupsMode === 'ignore' && makesNamespace(config, 'cgroup'))
          call(process, unshare(CLONE.NEWCGROUP));
        root = mountRoot(process, session.directory, record);
      },
      request(criu) {
        directories = openDirectories(local, options, criu);
        const facts = {
          directories,
          external,
          root,
          cgroupRoots: cgroupRoots(readSmallFile(local, `/proc/${criu}/cgroup`)),
          inheritFd: inheritedBy(restoration, namespaces),
        };
        return { type: REQUEST.RESTORE, options: restoreOptions(record, options, facts) };
      },
      async onNotification(notification) {
        if (notification.pid > 0) pid = notification.pid;
        await onNotification(session, record, notification);
      },
    });
    if (pid === undefined) throw new EffectError('CRIU has not told which process it restored');
    const init = pid;
    return {
      pid: init,
      startTime: doing(`read the start time of process ${init}`, () => startTimeOf(local, init)),
    };
  } catch (error) {
    // It is a child of this process, so nobody else would reap it.
    if (pid !== undefined) attempt(local, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED | W.NOHANG));
    throw withLog(local, error, log);
  } finally {
    for (const { file } of namespaces) file[Symbol.dispose]();
    directories?.[Symbol.dispose]();
  }
}

/** Deals with the notifications that runchart has something to do at. */
async function onNotification(
  session: Session,
  record: ContainerRecord,
  { script, pid, descriptors }: Notification,
): Promise<void> {
  const { local } = session.platform;
  if (script === 'setup-namespaces') {
    if (makesNamespace(record.config, 'network')) bringLoopbackUp(session, pid);
    const { runHooks } = await import('../hooks/hooks.ts');
    const init = { pid, startTime: '' };
    await runHooks(session, { ...record, init }, 'createRuntime', session.environment);
  } else if (script === 'orphan-pts-master') {
    const { consoleSocket } = session.inheritance;
    const [master] = descriptors;
    if (master === undefined || consoleSocket === undefined)
      throw new EffectError('the checkpointed container has a terminal: set process.terminal of its config');
    doing('send the terminal over the console socket', () =>
      perform(local, [sendDescriptors(consoleSocket, [master], new TextEncoder().encode('/dev/ptmx'))]),
    );
  }
}

/** CRIU leaves a network namespace empty, and the sockets that it restores may need the interface. */
function bringLoopbackUp(session: Session, pid: Pid): void {
  const { local } = session.platform;
  using namespace = doing('open the network namespace', () =>
    opened(local, openat(AT.FDCWD, `/proc/${pid}/ns/net`, O.RDONLY)),
  );
  inStage(session, [namespace.fd], (stage) => {
    const batch = new PartedBatch();
    batch.add(setns(3, CLONE.NEWNET));
    addLoopbackUp(batch);
    batch.part('bring the loopback interface up');
    batch.perform(stage);
  });
}

/**
 * Mounts the rootfs for CRIU, which wants it to be a mount whose parent nothing covers. It is mounted in a mount
 * namespace of CRIU's own, on an empty file system over the container's state directory: so nothing is left of it,
 * whatever happens.
 * @returns the path of the rootfs there
 */
function mountRoot(process: Kernel, directory: string, { rootfs, config }: ContainerRecord): string {
  return doing(`mount the rootfs ${rootfs} for CRIU`, () => {
    perform(process, [
      ...enterOwnMounts(),
      mount('tmpfs', directory, 'tmpfs', 0, 'mode=700'),
      mkdirat(AT.FDCWD, `${directory}/root`, 0o700),
    ]);
    using tree = opened(process, openTree(AT.FDCWD, rootfs, { clone: true, recursive: true }));
    using target = opened(process, openat(AT.FDCWD, `${directory}/root`, O.PATH | O.DIRECTORY));
    // The kernel is asked for the path, for a symlink may lead to the state directory.
    const path = pathOfOpenFile(process, target.fd);
    perform(process, [
      // CRIU leaves the mount as it is, whatever the container's root was.
      ...(config.root?.readonly ? [mountSetattr(tree.fd, '', { set: MOUNT_ATTR.RDONLY })] : []),
      // The mount stays a slave of the host's, where that is shared. CRIU does the same to a root that was one.
      moveMount(tree.fd, target.fd),
    ]);
    return path;
  });
}

interface OpenNamespace {
  /** By which CRIU knows it. */
  readonly key: string;
  readonly file: Owned;
}

/**
 * @returns the namespaces that the container joins, for the caller to dispose of.
 * @throws EffectError in runc's words
 */
function openNamespaces(local: Kernel, record: ContainerRecord): readonly OpenNamespace[] {
  const found: OpenNamespace[] = [];
  for (const { name, path, key } of externalNamespaces(record)) {
    try {
      const opening = openat(AT.FDCWD, path, O.RDONLY);
      const file = doing(`Requested ${name} namespace ${path} does not exist`, () => opened(local, opening));
      found.push({ key, file });
    } catch (error) {
      for (const { file } of found) file[Symbol.dispose]();
      throw error;
    }
  }
  return found;
}

/** The descriptors of CRIU's that the restored processes get, by the keys that the images have for them. */
const inheritedBy = ({ standardLinks }: Restoration, namespaces: readonly OpenNamespace[]) => [
  ...namespaces.map(({ key }, i) => ({ key, fd: FIRST_EXTRA + i })),
  ...inheritedPipes(standardLinks),
];

/**
 * The cgroup of each controller, as /proc/PID/cgroup tells (cgroups(7)). That of cgroup v2 has an empty text as its
 * controller. Pure.
 */
export function cgroupRoots(text: string): NonNullable<CriuOptions['cgroupRoots']> {
  return text.split('\n').flatMap((line) => {
    const [, controllers, ...path] = line.split(':');
    if (controllers === undefined) return [];
    return controllers.split(',').map((controller) => ({ controller, path: path.join(':') }));
  });
}

/** The restored processes get CRIU's standard descriptors in the place of pipes that led out of the container. Pure. */
export const inheritedPipes = (links: readonly string[]): NonNullable<CriuOptions['inheritFd']> =>
  links.slice(0, 3).flatMap((key, fd) => (key.includes('pipe:') ? [{ key, fd }] : []));

/** Gives our pipes to the container's user, so that this user can open /dev/stdout, as after a creation. */
function givePipes({ platform: { local }, inheritance }: Session, { config }: ContainerRecord): void {
  const { uid = 0 } = config.process?.user ?? {};
  for (const fd of inheritance.pipes ?? []) attempt(local, { name: 'fchown', args: [fd, uid, -1] });
}
