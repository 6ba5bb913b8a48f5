/** The container's init: how it comes into being, what it does first, and how it is left waiting for `start`. */

import { close, closeRange, fchmod, openat } from '../../native/calls/files.ts';
import { prctl, setdomainname, sethostname, setsid } from '../../native/calls/process.ts';
import { acceptFrom, bindUnix, listen, socket } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { LARGEST_PAGE, PR } from '../../native/constants/process.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, flush, perform } from '../../native/kernel/perform.ts';
import type { ContainerRecord, InitRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';
import { addJoins, joinWithUser } from '../namespaces/join.ts';
import { addLoopbackUp } from '../namespaces/loopback.ts';
import { makesNamespace, planNamespaces } from '../namespaces/plan.ts';
import { addSysctls, refuseHostSysctls } from '../namespaces/sysctl.ts';
import { addOpenOffsets, addTimeNamespace, makesTimeInside } from '../namespaces/time.ts';
import { inUserNamespace } from '../namespaces/user/mappings.ts';
import { needsHostSide } from '../namespaces/user/needs-host-side.ts';
import { startTimeOf } from '../paths/proc.ts';
import { freeAffinity } from '../process/affinity.ts';
import { waitingRights } from '../process/early-rights.ts';
import { personalityCalls } from '../process/execution-domain.ts';
import { addSessionKeyring, keyringLabel } from '../process/keyring.ts';
import { refuseLabels } from '../process/labels.ts';
import { connectedInit, disconnect, type Session } from '../session.ts';
import { extraDescriptor, startServedProcess } from './clone.ts';
import { START_SOCKET } from './connect.ts';
import { startPeer } from './start-peer.ts';

/** The init's extra descriptors, in this order. */
const START = 0;
const CONSOLE = 1;

/** In the init: the socket on which it listens for `start`. */
export const startDescriptor = (preserveFds: number): number => extraDescriptor(preserveFds, START);

/** In the init: the socket whose other end expects the terminal's master. */
export const consoleDescriptor = (preserveFds: number): number => extraDescriptor(preserveFds, CONSOLE);

/**
 * @param enterCgroup moves the stage into the container's cgroup; without the v2 directory, if the init is to be born there
 * @param meanwhile is done while the kernel makes the namespaces; it must not throw
 * @throws EffectError; the stage is gone then, and so is the init if there was one
 */
export function startInit(
  session: Session,
  record: ContainerRecord,
  enterCgroup: (stage: Kernel, withoutUnified: boolean) => void,
  meanwhile?: (init: Kernel) => void,
): InitRecord {
  const { platform, inheritance } = session;
  const { local } = platform;
  refuseLabels(local, record.config.process);
  const plan = planNamespaces(record.config);
  const makesTime = plan.makesTime && !makesTimeInside(record);
  const offsets = record.config.linux?.timeOffsets ?? {};
  const joinsUser = plan.joined.some(({ type }) => type === 'user');
  // In another user namespace the stage may not place a child in a cgroup of the host's any more.
  const birthCgroup = joinsUser ? undefined : record.cgroup?.paths.unified;
  // With systemd, entering is what makes the cgroup.
  const bornInCgroup = birthCgroup !== undefined && record.cgroup?.layout === 'v2' && record.cgroup.driver === 'fs';
  const { consoleSocket, stdio } = inheritance;
  // Where nobody will connect, standard input holds the place of the listener.
  const listener = isLeftWaiting(session, record) ? listenForStart(local, session.directory) : undefined;
  const start = listener ?? stdio[0];
  try {
    const init = startServedProcess(platform, 'init', {
      inheritance,
      extra: consoleSocket === undefined ? [start] : [start, consoleSocket],
      enterCgroup: bornInCgroup ? undefined : (stage) => enterCgroup(stage, birthCgroup !== undefined),
      birthCgroup,
      oomScoreAdj: record.config.process?.oomScoreAdj,
      joinFirst: joinsUser ? (stage) => joinWithUser(stage, plan.joined) : undefined,
      addFirst: makesTime ? (batch) => addOpenOffsets(batch, offsets) : undefined,
      addJoins:
        plan.joined.length === 0 && !makesTime
          ? undefined
          : (batch, held) => {
              addJoins(batch, joinsUser ? [] : plan.joined);
              if (makesTime) addTimeNamespace(batch, held, offsets);
            },
      madeNamespaces: plan.made,
      meanwhile,
    });
    session.init = { ...init };
    return {
      pid: init.pid,
      startTime: doing(`read the start time of process ${init.pid}`, () => startTimeOf(local, init.pid)),
    };
  } finally {
    if (listener !== undefined) attempt(local, close(listener));
  }
}

/**
 * Hooks, a seccomp agent and the host's side of a user namespace or of id-mapped mounts need connections of their own
 * to the init (channel.ts), which come by its start socket.
 */
function isLeftWaiting({ startsAtOnce }: Session, record: ContainerRecord): boolean {
  const { hooks, linux } = record.config;
  const { createContainer = [], startContainer = [] } = hooks ?? {};
  const agent = linux?.seccomp?.listenerPath ?? '';
  const hooked = createContainer.length > 0 || startContainer.length > 0;
  return !startsAtOnce || hooked || agent !== '' || needsHostSide(record);
}

/**
 * Who is not root joins an init that waits for `start`, for exec, only while it is dumpable (ptrace(2), "Ptrace access mode
 * checking"). That opens it to its owner, and to nobody in the container who has fewer rights in its user namespace than it.
 */
const isJoinedByOwner = ({ startsAtOnce }: Session, { owner, config }: ContainerRecord): boolean =>
  !startsAtOnce && owner !== 0 && makesNamespace(config, 'user');

/** What `bind` gives the socket's file, less the umask: its own mode. Who may write to the file may connect. */
const SOCKET_MODE = 0o600;

/** In a pid namespace that is not its own, and in no user namespace: whoever there has CAP_SYS_PTRACE may trace it. */
const isSeenByOthers = (config: Config): boolean => !makesNamespace(config, 'pid') && !inUserNamespace(config);

/** By the directory's descriptor: the path to it may be longer than a socket's address can be. */
function listenForStart(local: Kernel, directory: string): number {
  return doing(`listen on ${directory}/${START_SOCKET}`, () => {
    const dir = call(local, openat(AT.FDCWD, directory, O.PATH | O.DIRECTORY));
    try {
      const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
      try {
        const at = `/proc/self/fd/${dir}/${START_SOCKET}`;
        perform(local, [fchmod(fd, SOCKET_MODE), bindUnix(fd, at), listen(fd)]);
        return fd;
      } catch (error) {
        attempt(local, close(fd));
        throw error;
      }
    } finally {
      attempt(local, close(dir));
    }
  });
}

/** The init's own first steps, posted: session, keyring, loopback, host name; nothing of the stage's stays open. @throws EffectError */
export function settleInit(session: Session, record: ContainerRecord): void {
  const { kernel, pid } = connectedInit(session);
  const { config, options } = record;
  const { sysctl = {}, personality } = config.linux ?? {};
  const { preserveFds, consoleSocket } = session.inheritance;
  let batch = new PartedBatch();
  batch.add(closeRange(extraDescriptor(preserveFds, consoleSocket === undefined ? CONSOLE : CONSOLE + 1), 0x7fffffff));
  batch.add(setsid());
  batch.add(freeAffinity());
  if (!options.noNewKeyring) {
    if (config.process?.selinuxLabel) {
      batch.part('prepare the init');
      batch.perform(kernel);
      batch = new PartedBatch();
    }
    addSessionKeyring(batch, `_ses.${record.id}`, keyringLabel(kernel, config.process));
  }
  for (const call of personalityCalls(personality)) batch.add(call);
  batch.part('prepare the init');
  if (makesNamespace(config, 'network')) addLoopbackUp(batch);
  batch.part('bring the loopback interface up');
  if (config.hostname !== undefined && config.hostname !== '') batch.add(sethostname(config.hostname));
  batch.part(`set the host name to ${config.hostname}`);
  if (config.domainname !== undefined && config.domainname !== '') batch.add(setdomainname(config.domainname));
  batch.part(`set the domain name to ${config.domainname}`);
  addSysctls(batch, sysctl);
  refuseHostSysctls(session.platform.local, pid, sysctl);
  batch.post(kernel);
}

/** The arena of native/init/init.c; what earlier batches left in it is given back before the long wait. */
const ARENA = { base: 0x1_0000_0000, size: 16 << 20, kept: LARGEST_PAGE } as const;
const MADV_DONTNEED = 4;

/**
 * The end of `create`, once all that was posted has been done. From here on the init waits for its maker to connect to the
 * start socket, unless this command starts it.
 */
export function awaitStart(session: Session, record: ContainerRecord): void {
  const { kernel, pid } = connectedInit(session);
  if (!isLeftWaiting(session, record)) {
    flush(kernel);
    return;
  }
  const start = startDescriptor(session.inheritance.preserveFds);
  const batch = new PartedBatch();
  batch.add({ name: 'madvise', args: [ARENA.base + ARENA.kept, ARENA.size - ARENA.kept, MADV_DONTNEED] });
  if (isJoinedByOwner(session, record)) batch.add(prctl(PR.SET_DUMPABLE, 1));
  const { process, linux } = record.config;
  if (process !== undefined && isSeenByOthers(record.config))
    batch.add(waitingRights(process, linux?.seccomp !== undefined));
  batch.add({ ...acceptFrom(start, startPeer(session.platform.local, record, pid).uid), serve: true });
  batch.part('leave the init waiting for start');
  batch.post(kernel);
  flush(kernel);
  disconnect(session);
}
