/** `exec`: another process in a container, in its cgroup and namespaces, by the same means as its init. */

import { close, closeRange, fchdir, openat } from '../../native/calls/files.ts';
import { chroot } from '../../native/calls/mounts.ts';
import { setgroups, setns, setresgid, setresuid, setsid } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, flush, isErrno } from '../../native/kernel/perform.ts';
import { interruptedBy } from '../../native/performers/interruption.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { checkJoined, joinCalls } from '../cgroups/join.ts';
import { EffectError, reasonOf } from '../error.ts';
import { extraDescriptor, type ServedProcess, startServedProcess } from '../init/clone.ts';
import { hasNamespace, NAMESPACE_FLAGS } from '../namespaces/plan.ts';
import { givePipes } from '../namespaces/user/give-pipes.ts';
import { inUserNamespace } from '../namespaces/user/mappings.ts';
import { groupsDenied, readMappings } from '../namespaces/user/read-mappings.ts';
import { addFinalAffinity, setInitialAffinity } from '../process/affinity.ts';
import { type Execution, executeProcess, planExecution } from '../process/execute.ts';
import { personalityCalls } from '../process/execution-domain.ts';
import { addSessionKeyring, keyringLabel } from '../process/keyring.ts';
import { refuseLabels, setLabels } from '../process/labels.ts';
import { addLimits, addOpenFilesLimit } from '../process/limits.ts';
import { addMemoryPolicy } from '../process/memory-policy.ts';
import { addPriorities } from '../process/priorities.ts';
import { giveTerminal } from '../process/terminal.ts';
import { openInit } from '../running/observe.ts';
import { endChild } from '../running/wait.ts';
import type { ContainerFilter } from '../seccomp/container.ts';
import type { Session } from '../session.ts';
import type { ExecCgroup } from './cgroup.ts';
import { initCgroup } from './init-cgroup.ts';

export interface ExecPlan {
  readonly record: ContainerRecord;
  readonly process: Process;
  readonly cgroup: ExecCgroup | undefined;
  /** The container's seccomp filter. */
  readonly filter: ContainerFilter | undefined;
  /** Has an ordinary user's systemd move a process into the cgroup, where he may not himself. @throws Error */
  readonly attach?: ((pid: number, cgroup: CgroupRecord) => void) | undefined;
}

/** A process in the container that has not executed its program yet. */
export interface JoinedProcess {
  /** A child of this process; as this process sees it. */
  readonly pid: number;
  /** @throws EffectError in the words that engines know; it is to be ended then */
  execute(): void;
  /** Lets go of one that has executed its program. */
  release(): void;
  /** Kills one that has not, and takes its status. */
  end(): void;
}

/**
 * @returns a process that has the container's namespaces, cgroup and terminal, and whose program has been found
 * @throws EffectError in the words that engines know; no process is left then
 */
export function joinContainer(session: Session, plan: ExecPlan): JoinedProcess {
  const { local } = session.platform;
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  refuseLabels(local, plan.process);
  try {
    const extra = openExtra(session, plan, keep);
    const served = start(session, plan, extra);
    try {
      giveStandardPipes(session, plan);
      settle(session, plan, served, extra);
      return joined(
        session,
        plan,
        served,
        extra,
        planExecution(served.kernel, plan.process, mayNotSetGroups(session, plan)),
      );
    } catch (error) {
      end(session, served);
      throw error;
    }
  } finally {
    for (const fd of opened) attempt(local, close(fd));
  }
}

function giveStandardPipes(session: Session, { record: { config, init } }: ExecPlan): void {
  const { pipes = [] } = session.inheritance;
  if (pipes.length > 0 && init !== undefined && inUserNamespace(config))
    givePipes(session, readMappings(session.platform.local, init.pid));
}

const mayNotSetGroups = ({ platform: { local } }: Session, { record: { config, init } }: ExecPlan): boolean =>
  inUserNamespace(config) && init !== undefined && groupsDenied(local, init.pid);

type Extra = ReturnType<typeof openExtra>;

/** What the process is started with besides what it inherits; `places` are their numbers there. */
function openExtra(
  { platform: { local }, inheritance }: Session,
  { record, process, filter }: ExecPlan,
  keep: (fd: number) => number,
) {
  const fds: number[] = [];
  const add = (fd: number): number => extraDescriptor(inheritance.preserveFds, fds.push(fd) - 1);
  const pidfd = record.init === undefined ? undefined : openInit(local, record.init);
  if (record.init === undefined || pidfd === undefined) throw new EffectError('container not running');
  const init = add(keep(pidfd));
  // In a mount namespace of its own the root is the container's; else it was entered by chroot.
  const root = hasNamespace(record.config, 'mount')
    ? undefined
    : add(keep(call(local, openat(AT.FDCWD, `/proc/${record.init.pid}/root`, O.PATH | O.DIRECTORY))));
  const console =
    process.terminal && inheritance.consoleSocket !== undefined ? add(inheritance.consoleSocket) : undefined;
  const connection = filter?.connect();
  const agent = connection === undefined ? undefined : add(keep(connection));
  return { fds, places: { init, root, console, agent } };
}

/**
 * The stage joins by the init's pidfd: all namespaces at once, and of nobody who has its pid by now. It joins all that
 * a process of the container could reach the host by, before there is a process that the container can see (CVE-2016-9962).
 * The two that the kernel would judge the way into the cgroup by are for the process itself.
 */
function start(session: Session, plan: ExecPlan, { fds, places }: Extra): ServedProcess {
  const { record, cgroup } = plan;
  const before = namespacesOf(record) & ~ownStep(session);
  const attemptIn = (birthCgroup: string | undefined, attach?: (pid: number) => void): ServedProcess =>
    startServedProcess(session.platform, 'exec', {
      inheritance: session.inheritance,
      extra: fds,
      enterCgroup(stage) {
        setInitialAffinity(stage, plan.process.execCPUAffinity);
        attach?.(call(stage, { name: 'getpid', args: [] }));
        if (cgroup !== undefined) enter(stage, cgroup);
      },
      birthCgroup,
      oomScoreAdj: plan.process.oomScoreAdj ?? record.config.process?.oomScoreAdj,
      addJoins(batch) {
        if (before !== 0) batch.add(setns(places.init, before));
        batch.part("join the container's namespaces");
        if (places.root === undefined) return;
        batch.add(fchdir(places.root));
        batch.add(chroot('.'));
        batch.part("enter the container's root");
      },
      madeNamespaces: 0,
    });
  const birthCgroup = cgroup?.record.paths.unified;
  try {
    return attemptIn(birthCgroup);
  } catch (error) {
    if (birthCgroup === undefined || !isCgroupRefusal(error)) throw error;
    if (isForbidden(error) && record.options.rootlessCgroups) return attemptIn(undefined, attacherOf(plan));
    // A cgroup v2 with controllers for those below it takes no processes; the init has moved on then.
    const other =
      cgroup?.explicit || record.cgroup?.layout !== 'v2' ? undefined : initCgroup(session.platform.local, record);
    if (other === undefined || other === birthCgroup)
      throw new EffectError(`error adding pid to cgroups: ${birthCgroup}: ${reasonOf(causeOf(error))}`, {
        cause: error,
      });
    return attemptIn(other);
  }
}

/** What cannot be joined rootless is done without, unless it was asked for: so does runc. */
function attacherOf({ attach, cgroup }: ExecPlan): (pid: number) => void {
  return (pid) => {
    try {
      if (attach !== undefined && cgroup !== undefined) attach(pid, cgroup.record);
    } catch (error) {
      if (cgroup?.explicit) throw new EffectError(`error adding pid to cgroups: ${reasonOf(error)}`, { cause: error });
    }
  };
}

/** The cgroups of v1; into that of v2 the process is born. */
function enter(stage: Kernel, { record }: ExecCgroup): void {
  const options = { withoutUnified: true };
  const calls = joinCalls(record, options);
  if (calls.length === 0) return;
  try {
    checkJoined(record, stage.submit(calls).results, options);
  } catch (error) {
    throw new EffectError(`error adding pid to cgroups: ${reasonOf(error)}`, { cause: error });
  }
}

/** A user without privileges gets into the other namespaces by way of the user namespace only, which leaves him his cgroups. */
const ownStep = ({ platform: { local } }: Session): number =>
  call(local, { name: 'geteuid', args: [] }) === 0 ? CLONE.NEWUSER | CLONE.NEWCGROUP : CLONE.NEWCGROUP;

const namespacesOf = ({ config }: ContainerRecord): number =>
  (config.linux?.namespaces ?? []).reduce((all, { type }) => all | NAMESPACE_FLAGS[type], 0);

const causeOf = (error: unknown): unknown => (error instanceof EffectError ? error.cause : error);

function isCgroupRefusal(error: unknown): boolean {
  const cause = causeOf(error);
  return (
    isErrno(cause, 'EBUSY', 'ENOENT', 'ENODEV', 'EOPNOTSUPP', 'EACCES', 'EPERM') &&
    ['clone3', 'openat'].includes(cause.call.name)
  );
}

const isForbidden = (error: unknown): boolean => isErrno(causeOf(error), 'EACCES', 'EPERM');

function settle(session: Session, plan: ExecPlan, { kernel }: ServedProcess, { fds, places }: Extra): void {
  const { record, process } = plan;
  const { preserveFds, openFilesLimit } = session.inheritance;
  const own = namespacesOf(record) & ownStep(session);
  const limits = new PartedBatch();
  limits.add(closeRange(extraDescriptor(preserveFds, fds.length), 0x7fffffff));
  for (const call of personalityCalls(record.config.linux?.personality)) limits.add(call);
  limits.part('prepare the process');
  addFinalAffinity(limits, process.execCPUAffinity);
  // While it may still raise them: a user namespace takes that away.
  addLimits(limits, process);
  addOpenFilesLimit(limits, session.platform.local, process, openFilesLimit);
  addPriorities(limits, process, record.config.linux?.resources?.cpu?.cpus);
  addMemoryPolicy(limits, record.config.linux?.memoryPolicy);
  // Not waited for: that comes with the search for the program.
  limits.post(kernel);
  if (process.selinuxLabel) flush(kernel);

  const batch = new PartedBatch();
  if (own !== 0) batch.add(setns(places.init, own));
  if (inUserNamespace(record.config)) {
    // Denied where a user without privileges has made the namespace.
    batch.try(setgroups([]));
    batch.add(setresgid(0));
    batch.add(setresuid(0));
  }
  batch.part("join the container's namespaces");
  batch.add(close(places.init));
  if (places.root !== undefined) batch.add(close(places.root));
  batch.add(setsid());
  if (!record.options.noNewKeyring) addSessionKeyring(batch, `_ses.${record.id}`, keyringLabel(kernel, process));
  batch.part('prepare the process');
  batch.post(kernel);
  setLabels(kernel, process);
  if (places.console === undefined) return;
  flush(kernel);
  giveTerminal(kernel, { consoleSocket: places.console, size: process.consoleSize, console: false });
}

function joined(
  session: Session,
  plan: ExecPlan,
  served: ServedProcess,
  { places }: Extra,
  execution: Execution,
): JoinedProcess {
  const { kernel, pid } = served;
  return {
    pid,
    execute() {
      const filter = plan.filter?.callsFor(kernel, pid, places.agent) ?? [];
      executeProcess(kernel, execution, { preserveFds: session.inheritance.preserveFds, filter });
    },
    release: () => void attempt(session.platform.local, close(served.socket)),
    end: () => end(session, served),
  };
}

/** By SIGKILL: under a seccomp filter it may not notice the end of its connection. */
function end({ platform }: Session, { pid, socket }: ServedProcess): void {
  attempt(platform.local, close(socket));
  try {
    endChild(platform, pid);
  } catch (error) {
    // Frozen on cgroup v1, it ends once it is thawed. Whoever gets the orphans then reaps it.
    if (interruptedBy(error) === undefined) throw error;
  }
}
