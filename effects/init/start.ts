/** Starts the container's init, has it do its first steps, and leaves it waiting for `start`. */

import { closeRange, fchmod, openat } from '../../native/calls/files.ts';
import { prctl, setdomainname, sethostname, setsid } from '../../native/calls/process.ts';
import { acceptFrom, bindUnix, listen, socket } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { LARGEST_PAGE, PR } from '../../native/constants/process.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import type { ContainerRecord, InitRecord } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { awaitAnswers } from '../answers.ts';
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
import { hasFilter } from '../seccomp/profile.ts';
import { connectedInit, disconnect, type Session } from '../session.ts';
import { startServedProcess } from './clone.ts';
import { START_SOCKET } from './connect.ts';
import { extraDescriptor } from './descriptors.ts';
import type { JoinPlan } from './plan.ts';
import { startPeer } from './start-peer.ts';

/** The init's extra descriptors, in this order. */
const START = 0;
const CONSOLE = 1;

/** In the init: the socket on which it listens for `start`. */
export const startDescriptor = (preserveFds: number): Fd => extraDescriptor(preserveFds, START);

/** In the init: the socket whose other end expects the terminal's master. */
export const consoleDescriptor = (preserveFds: number): Fd => extraDescriptor(preserveFds, CONSOLE);

/**
 * @param enterCgroup moves the stage into the container's cgroup: not into its v2 directory, if the init is born there
 * @param meanwhile is called while the kernel makes the namespaces; it must not throw
 * @throws EffectError; the stage is gone then, and so is the init if there was one
 */
export async function startInit(
  session: Session,
  record: ContainerRecord,
  enterCgroup: (stage: Kernel, withoutUnified: boolean) => void | Promise<void>,
  meanwhile?: (init: Kernel) => void,
): Promise<InitRecord> {
  const { platform, inheritance } = session;
  const { local } = platform;
  refuseLabels(local, record.config.process);
  const planned = planNamespaces(record.config);
  // In another user namespace the stage may not place a child in a cgroup of the host's any more.
  const birth = joinsUserNamespace(planned) ? undefined : record.cgroup?.paths.unified;
  // With systemd, entering is what makes the cgroup.
  const bornInCgroup = birth !== undefined && record.cgroup?.layout === 'v2' && record.cgroup.driver === 'fs';
  const { consoleSocket, stdio } = inheritance;
  using listener = isLeftWaiting(session, record) ? listenForStart(local, session.directory) : undefined;
  // Where nobody will connect, standard input holds the place of the listener.
  const start = listener?.fd ?? stdio[0];
  const init = await startServedProcess(platform, 'init', {
    inheritance,
    extra: consoleSocket === undefined ? [start] : [start, consoleSocket],
    cgroup: { enter: bornInCgroup ? undefined : (stage) => enterCgroup(stage, birth !== undefined), birth },
    namespaces: { made: planned.made, joins: joinsOf(record, planned) },
    oomScoreAdj: record.config.process?.oomScoreAdj,
    meanwhile,
  });
  session.init = { ...init };
  return {
    pid: init.pid,
    startTime: doing(`read the start time of process ${init.pid}`, () => startTimeOf(local, init.pid)),
  };
}

type PlannedNamespaces = ReturnType<typeof planNamespaces>;

const joinsUserNamespace = ({ joined }: PlannedNamespaces): boolean => joined.some(({ type }) => type === 'user');

/** How the stage joins the container's namespaces, and makes its time namespace, which takes an offset first. */
function joinsOf(record: ContainerRecord, planned: PlannedNamespaces): JoinPlan | undefined {
  const makesTime = planned.makesTime && !makesTimeInside(record);
  if (planned.joined.length === 0 && !makesTime) return undefined;
  const offsets = record.config.linux?.timeOffsets ?? {};
  const joinsUser = joinsUserNamespace(planned);
  return {
    open: makesTime ? (batch) => addOpenOffsets(batch, offsets) : undefined,
    first: joinsUser ? (stage) => joinWithUser(stage, planned.joined) : undefined,
    add(batch, held) {
      addJoins(batch, joinsUser ? [] : planned.joined);
      if (makesTime) addTimeNamespace(batch, held, offsets);
      return undefined;
    },
  };
}

/**
 * Whether somebody will connect to the init's start socket: a later `start`, or this command. Hooks, a seccomp agent,
 * and the host's side of a user namespace or of id-mapped mounts need connections of their own (channel.ts).
 */
function isLeftWaiting({ startsAtOnce }: Session, record: ContainerRecord): boolean {
  const { hooks, linux } = record.config;
  const { createContainer = [], startContainer = [] } = hooks ?? {};
  const agent = linux?.seccomp?.listenerPath ?? '';
  const hooked = createContainer.length > 0 || startContainer.length > 0;
  return !startsAtOnce || hooked || agent !== '' || needsHostSide(record);
}

/**
 * Whether the init is left dumpable, so that its owner's `exec` can join it while it waits for `start`: whoever is not
 * root joins no other (ptrace(2), "Ptrace access mode checking"). Dumpable, the init is open to its owner. It is not
 * open to those in the container who have fewer rights in its user namespace than it has.
 */
const isJoinedByOwner = ({ startsAtOnce }: Session, { owner, config }: ContainerRecord): boolean =>
  !startsAtOnce && owner !== 0 && makesNamespace(config, 'user');

/**
 * bind(2) gives the socket's file the mode of the socket, less the umask. Whoever may write to the file may connect.
 */
const SOCKET_MODE = 0o600;

/**
 * Whether others may trace the init: it shares a pid namespace, and has no user namespace of its own. Whoever in the
 * pid namespace has CAP_SYS_PTRACE may.
 */
const isSeenByOthers = (config: Config): boolean => !makesNamespace(config, 'pid') && !inUserNamespace(config);

/** Binds by the directory's descriptor: the path may be longer than a socket's address can be. @throws EffectError */
const listenForStart = (local: Kernel, directory: string): Owned =>
  doing(`listen on ${directory}/${START_SOCKET}`, () => {
    using folder = opened(local, openat(AT.FDCWD, directory, O.PATH | O.DIRECTORY));
    using listener = opened(local, socket(AF.UNIX, SOCK.STREAM));
    const at = `/proc/self/fd/${folder.fd}/${START_SOCKET}`;
    perform(local, [fchmod(listener.fd, SOCKET_MODE), bindUnix(listener.fd, at), listen(listener.fd)]);
    return new Owned(local, listener.release());
  });

/** Whether the init can do its first steps as soon as it is there: nothing has to be known of it, or done to it. */
export function settlesAlone({ config }: ContainerRecord): boolean {
  const { sysctl = {}, netDevices = {} } = config.linux ?? {};
  const isPlain = [sysctl, netDevices].every((some) => Object.keys(some).length === 0);
  return isPlain && !inUserNamespace(config) && !config.process?.selinuxLabel;
}

/**
 * The init's own first steps: session, keyring, loopback, host name. It closes what it has of the stage's. They are
 * posted.
 * @param kernel the init's
 * @param pid of the init. Where that `settlesAlone`, it need not be there yet
 * @throws EffectError
 */
export function settleInit(session: Session, record: ContainerRecord, kernel: Kernel, pid?: Pid): void {
  const { config } = record;
  const { sysctl = {} } = config.linux ?? {};
  const batch = prepareInit(session, record, kernel);
  if (makesNamespace(config, 'network')) addLoopbackUp(batch);
  batch.part('bring the loopback interface up');
  if (config.hostname !== undefined && config.hostname !== '') batch.add(sethostname(config.hostname));
  batch.part(`set the host name to ${config.hostname}`);
  if (config.domainname !== undefined && config.domainname !== '') batch.add(setdomainname(config.domainname));
  batch.part(`set the domain name to ${config.domainname}`);
  addSysctls(batch, sysctl);
  if (pid !== undefined) refuseHostSysctls(session.platform.local, pid, sysctl);
  batch.post(kernel);
}

/** @returns a batch that has not been performed yet */
function prepareInit({ inheritance }: Session, { id, config, options }: ContainerRecord, kernel: Kernel): PartedBatch {
  const { preserveFds, consoleSocket } = inheritance;
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
    addSessionKeyring(batch, `_ses.${id}`, keyringLabel(kernel, config.process));
  }
  for (const call of personalityCalls(config.linux?.personality)) batch.add(call);
  batch.part('prepare the init');
  return batch;
}

/**
 * The arena of native/init/init.c. What earlier batches left in it is given back to the kernel before the long wait.
 */
const ARENA = { base: 0x1_0000_0000, size: 16 << 20, kept: LARGEST_PAGE } as const;
const MADV_DONTNEED = 4;

/**
 * Ends `create`, once all that was posted has been done. From here on the init waits for its maker to connect to the
 * start socket, unless this command starts it.
 */
export async function awaitStart(session: Session, record: ContainerRecord): Promise<void> {
  const { kernel, pid } = connectedInit(session);
  if (!isLeftWaiting(session, record)) return awaitAnswers(session.platform, kernel);
  // Where the answers ask for a further look (passwd.ts), the init has to be there for it.
  if (session.startsHere) await awaitAnswers(session.platform, kernel);
  const start = startDescriptor(session.inheritance.preserveFds);
  const batch = new PartedBatch();
  batch.add({ name: 'madvise', args: [ARENA.base + ARENA.kept, ARENA.size - ARENA.kept, MADV_DONTNEED] });
  if (isJoinedByOwner(session, record)) batch.add(prctl(PR.SET_DUMPABLE, 1));
  const { process } = record.config;
  if (process !== undefined && isSeenByOthers(record.config))
    batch.add(waitingRights(process, hasFilter(record.config)));
  batch.add({ ...acceptFrom(start, startPeer(session.platform.local, record, pid).uid), serve: true });
  batch.part('leave the init waiting for start');
  batch.post(kernel);
  await awaitAnswers(session.platform, kernel);
  disconnect(session);
}
