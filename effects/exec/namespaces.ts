/** How a process of `exec` comes into the container's cgroup and namespaces. */

import { fchdir, openat } from '../../native/calls/files.ts';
import { chroot } from '../../native/calls/mounts.ts';
import { setns } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { checkJoined, joinCalls } from '../cgroups/join.ts';
import { EffectError, reasonOf } from '../error.ts';
import { extraDescriptor, type ServedProcess, startServedProcess } from '../init/clone.ts';
import { hasNamespace, NAMESPACE_FLAGS } from '../namespaces/plan.ts';
import { inUserNamespace } from '../namespaces/user/mappings.ts';
import { setInitialAffinity } from '../process/affinity.ts';
import {
  addEarlyRights,
  bornRights,
  type EarlyRights,
  earlyRights,
  isWatched,
  withEntry,
} from '../process/early-rights.ts';
import { addLookAround, lookAround, type Surroundings } from '../process/look-around.ts';
import { openInit } from '../running/observe.ts';
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

export type Extra = ReturnType<typeof openExtra>;

/** What the process is started with besides what it inherits; `places` are their numbers there. */
export function openExtra(
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

/** A process in the container, which is to be set up. */
export interface Joined extends ServedProcess {
  /** CLONE_NEW* of the namespaces that it has to join itself. */
  readonly own: number;
  /** Where it was limited before anybody in the container could see it. */
  readonly rights: EarlyRights | undefined;
  /** What its program depends on, once it is set up. @throws EffectError */
  surroundings(): Surroundings;
}

/**
 * The stage joins by the init's pidfd: all namespaces at once, and of nobody who has its pid by now. It joins all that
 * a process of the container could reach the host by, before there is a process that the container can see (CVE-2016-9962).
 *
 * Where the container has the runtime's own user namespace, the stage also does what takes more rights than the process is to have:
 * it looks for the program with all rights, as runc does, and then gives them up. A cgroup namespace comes after the way into
 * a v2 cgroup, which the kernel judges by it: so it is a second stage that is born in the cgroup and does all that, where somebody may be
 * waiting for the process; else the process enters it, by its first calls, and for those it keeps what they take.
 *
 * In another user namespace that one too is for the process itself, and what it can do there is no more than the container's root may.
 */
export function joinNamespaces(session: Session, plan: ExecPlan, extra: Extra): Joined {
  const { record, cgroup, process } = plan;
  const isEarly = isRoot(session) && !inUserNamespace(record.config);
  const joinsInCgroup = isEarly && isWatched(record.config);
  const enters = cgroup?.record.paths.unified !== undefined && !joinsInCgroup;
  const own = isEarly && !enters ? 0 : namespacesOf(record) & ownStep(session);
  const rights = isEarly ? earlyRights(process, plan.filter !== undefined) : undefined;
  const entry = rights !== undefined && enters ? entryOf(extra, own, rights) : undefined;
  let look: ((kernel: Kernel) => Surroundings) | undefined;
  let isPosted = false;
  const attemptIn = (birthCgroup: string | undefined, attach?: (pid: number) => void): ServedProcess =>
    startServedProcess(session.platform, 'exec', {
      inheritance: session.inheritance,
      extra: extra.fds,
      enterCgroup(stage) {
        setInitialAffinity(stage, process.execCPUAffinity);
        attach?.(call(stage, { name: 'getpid', args: [] }));
        if (cgroup !== undefined) enter(stage, cgroup);
      },
      birthCgroup,
      joinsInCgroup,
      oomScoreAdj: process.oomScoreAdj ?? record.config.process?.oomScoreAdj,
      addJoins(batch) {
        addJoins(batch, extra, namespacesOf(record) & ~own);
        if (rights === undefined) return undefined;
        const { surroundingsIn } = addLookAround(batch, process);
        addEarlyRights(batch, process, enters ? withEntry(rights) : rights);
        batch.part('give the process its identity');
        return (results) => {
          look = (kernel) => surroundingsIn(kernel, results);
        };
      },
      madeNamespaces: 0,
      // There before it is: it waits for nobody with the rights that they take.
      meanwhile(kernel) {
        isPosted = kernel.post !== undefined;
        if (isPosted) entry?.post(kernel);
      },
    });
  const served = inCgroup(session, plan, attemptIn);
  if (!isPosted) entry?.post(served.kernel);
  return {
    ...served,
    own: isEarly ? 0 : own,
    rights,
    surroundings: () => surroundingsOf(served.kernel, process, look),
  };
}

function addJoins(batch: PartedBatch, { places }: Extra, namespaces: number): void {
  if (namespaces !== 0) batch.add(setns(places.init, namespaces));
  batch.part("join the container's namespaces");
  if (places.root === undefined) return;
  batch.add(fchdir(places.root));
  batch.add(chroot('.'));
  batch.part("enter the container's root");
}

/** The first calls of a process that enters the container's cgroup itself. */
function entryOf({ places }: Extra, own: number, rights: EarlyRights): PartedBatch {
  const batch = new PartedBatch();
  if (own !== 0) batch.add(setns(places.init, own));
  batch.part("join the container's namespaces");
  batch.add(bornRights(rights));
  return batch;
}

/** Tries the container's cgroup, and what else will do where it takes no process. @throws EffectError */
function inCgroup(
  session: Session,
  plan: ExecPlan,
  attemptIn: (birthCgroup: string | undefined, attach?: (pid: number) => void) => ServedProcess,
): ServedProcess {
  const { record, cgroup } = plan;
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

/**
 * @param early what the stage has found. It is not in the container's pid namespace, so /proc/self leads it nowhere: where
 * it found nothing the process looks itself, and says what is wrong.
 */
function surroundingsOf(
  kernel: Kernel,
  process: Process,
  early: ((kernel: Kernel) => Surroundings) | undefined,
): Surroundings {
  try {
    if (early !== undefined) return early(kernel);
  } catch (error) {
    if (!(error instanceof EffectError)) throw error;
  }
  return lookAround(kernel, process);
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
const ownStep = (session: Session): number => (isRoot(session) ? CLONE.NEWUSER | CLONE.NEWCGROUP : CLONE.NEWCGROUP);

const isRoot = ({ platform: { local } }: Session): boolean => call(local, { name: 'geteuid', args: [] }) === 0;

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
