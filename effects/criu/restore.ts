/** Has CRIU bring the processes of a checkpointed container back, as children of this process. */

import { close, closeRange, mkdirat, openat } from '../../native/calls/files.ts';
import { mount, mountSetattr, moveMount, openTree } from '../../native/calls/mounts.ts';
import { setns, unshare, waitid } from '../../native/calls/process.ts';
import { reapChild } from '../../native/calls/reap.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { type CriuOptions, REQUEST } from '../../native/criu/messages.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { ContainerRecord, InitRecord } from '../../spec/record.ts';
import { PartedBatch } from '../batch.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { closeAll } from '../foreground/ends.ts';
import { addLoopbackUp } from '../namespaces/loopback.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { pathOf, readSmallFile, startTimeOf } from '../paths/proc.ts';
import type { Session } from '../session.ts';
import { closeDirectories, openDirectories, withoutLog } from './directories.ts';
import { boundDevices, externalAtRestore } from './external.ts';
import { withLog } from './failure.ts';
import { enterOwnMounts, makeMountPoints } from './mount-points.ts';
import { type Directories, externalNamespaces, RESTORE_LOG, restoreOptions } from './options.ts';
import type { Restoration } from './restoration.ts';
import { askCriu, FIRST_EXTRA, type Notification } from './service.ts';

/**
 * @param enterCgroup moves a process into the container's cgroup: CRIU itself is in it, and so are its children
 * @returns the init, which runs; its terminal, if it has one, has been sent to the console socket
 * @throws EffectError with what CRIU's log says; it has ended what it had restored then
 */
export async function restore(
  session: Session,
  record: ContainerRecord,
  restoration: Restoration,
  enterCgroup: (process: Kernel) => void,
): Promise<InitRecord> {
  const { platform, inheritance } = session;
  const { local } = platform;
  const { options, standardLinks } = restoration;
  const { config } = record;
  const external = externalAtRestore([...makeMountPoints(session, record), ...boundDevices(config)], config);
  const namespaces = openNamespaces(local, record);
  const log = withoutLog(local, options, RESTORE_LOG);
  let root = '';
  let directories: Directories | undefined;
  let pid: number | undefined;
  ownPipes(session, record);
  try {
    await askCriu(session, {
      // A terminal is another one than the caller's.
      stdio: inheritance.consoleSocket === undefined ? inheritance.stdio : undefined,
      extra: namespaces.map(({ fd }) => fd),
      prepare(process) {
        enterCgroup(process);
        // CRIU makes the namespace where it manages cgroups; else it is in, and hands on, its own.
        if (options.cgroupsMode === 'ignore' && makesNamespace(config, 'cgroup'))
          call(process, unshare(CLONE.NEWCGROUP));
        root = mountRoot(process, session.directory, record);
      },
      request(criu) {
        directories = openDirectories(local, options, criu);
        return {
          type: REQUEST.RESTORE,
          options: restoreOptions(record, options, {
            directories,
            external,
            root,
            cgroupRoots: cgroupRoots(readSmallFile(local, `/proc/${criu}/cgroup`)),
            inheritFd: [
              ...namespaces.map(({ key }, i) => ({ key, fd: FIRST_EXTRA + i })),
              ...inheritedPipes(standardLinks),
            ],
          }),
        };
      },
      async onNotification(notification) {
        if (notification.pid > 0) pid = notification.pid;
        await take(session, record, notification);
      },
    });
    if (pid === undefined) throw new EffectError('CRIU has not told which process it restored');
    const init = pid;
    return {
      pid: init,
      startTime: doing(`read the start time of process ${init}`, () => startTimeOf(local, init)),
    };
  } catch (error) {
    // It is this process's child, and nobody else would take note of its end.
    if (pid !== undefined) attempt(local, waitid(P.PID, pid, out(128), W.EXITED | W.NOHANG));
    throw withLog(local, error, log);
  } finally {
    const opened = namespaces.map(({ fd }) => fd);
    closeAll(local, opened);
    if (directories !== undefined) closeDirectories(local, directories);
  }
}

/** Stages that runchart has something to do in. */
async function take(
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

/** CRIU leaves a network namespace empty; its sockets may need the interface. */
function bringLoopbackUp({ platform, inheritance }: Session, pid: number): void {
  const { local } = platform;
  const namespace = doing('open the network namespace', () =>
    call(local, openat(AT.FDCWD, `/proc/${pid}/ns/net`, O.RDONLY)),
  );
  try {
    const stage = platform.spawnStage([...inheritance.stdio, namespace], 'stage');
    try {
      const batch = new PartedBatch();
      batch.add(closeRange(stage.socket + 1, 0x7fffffff));
      batch.add(setns(3, CLONE.NEWNET));
      addLoopbackUp(batch);
      batch.part('bring the loopback interface up');
      batch.perform(stage.kernel);
    } finally {
      attempt(local, close(stage.connection));
      reapChild(local, stage.pid);
    }
  } finally {
    attempt(local, close(namespace));
  }
}

/**
 * CRIU wants the rootfs to be a mount whose parent nothing covers. So it gets one, in a mount namespace of its own, on
 * an empty file system over the container's state directory: nothing is left of it, whatever happens.
 * @returns its path there
 */
function mountRoot(process: Kernel, directory: string, { rootfs, config }: ContainerRecord): string {
  return doing(`mount the rootfs ${rootfs} for CRIU`, () => {
    perform(process, [
      ...enterOwnMounts(),
      mount('tmpfs', directory, 'tmpfs', 0, 'mode=700'),
      mkdirat(AT.FDCWD, `${directory}/root`, 0o700),
    ]);
    const tree = call(process, openTree(AT.FDCWD, rootfs, { clone: true, recursive: true }));
    const target = call(process, openat(AT.FDCWD, `${directory}/root`, O.PATH | O.DIRECTORY));
    // As the kernel tells it: what leads to the state directory may be a symlink.
    const path = pathOf(process, target);
    perform(process, [
      // CRIU takes it as it is, whatever the container's root was.
      ...(config.root?.readonly ? [mountSetattr(tree, '', { set: MOUNT_ATTR.RDONLY })] : []),
      // It stays a slave of the host's mount, where that is shared: CRIU copies this to a root that was one.
      moveMount(tree, target),
      close(target),
      close(tree),
    ]);
    return path;
  });
}

function openNamespaces(
  local: Kernel,
  record: ContainerRecord,
): readonly { readonly key: string; readonly fd: number }[] {
  const opened: { readonly key: string; readonly fd: number }[] = [];
  for (const { name, path, key } of externalNamespaces(record)) {
    try {
      opened.push({ key, fd: call(local, openat(AT.FDCWD, path, O.RDONLY)) });
    } catch (error) {
      closeAll(
        local,
        opened.map(({ fd }) => fd),
      );
      throw new EffectError(`Requested ${name} namespace ${path} does not exist: ${reasonOf(error)}`, { cause: error });
    }
  }
  return opened;
}

/** Of proc_pid_cgroup(5); each controller by itself, that of v2 as an empty name. Pure. */
export function cgroupRoots(text: string): NonNullable<CriuOptions['cgroupRoots']> {
  return text.split('\n').flatMap((line) => {
    const [, controllers, ...path] = line.split(':');
    if (controllers === undefined) return [];
    return controllers.split(',').map((controller) => ({ controller, path: path.join(':') }));
  });
}

/** The restored processes get the standard descriptors of CRIU in place of pipes that led out of the container. Pure. */
export const inheritedPipes = (links: readonly string[]): NonNullable<CriuOptions['inheritFd']> =>
  links.slice(0, 3).flatMap((key, fd) => (key.includes('pipe:') ? [{ key, fd }] : []));

/** So that the container's user can open /dev/stdout again, as in a container that was created. */
function ownPipes({ platform: { local }, inheritance }: Session, { config }: ContainerRecord): void {
  const { uid = 0 } = config.process?.user ?? {};
  for (const fd of inheritance.pipes ?? []) attempt(local, { name: 'fchown', args: [fd, uid, -1] });
}
