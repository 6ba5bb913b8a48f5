/** Brings a process of `exec` into the container's cgroup and namespaces. */

import { closeRange, fchdir } from '../../native/calls/files.ts';
import { chroot } from '../../native/calls/mounts.ts';
import { setns } from '../../native/calls/process.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import { submitAwaited } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import { checkJoined, joinCalls } from '../cgroups/join.ts';
import { EffectError, reasonOf } from '../error.ts';
import { type ServedProcess, startServedProcess } from '../init/clone.ts';
import { extraDescriptor } from '../init/descriptors.ts';
import { NAMESPACE_FLAGS } from '../namespaces/plan.ts';
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
import type { Session } from '../session.ts';
import type { ExecCgroup } from './cgroup.ts';
import { initCgroup } from './init-cgroup.ts';
import type { ExecPlan, Extra } from './plan.ts';

/** A process in the container, which is to be set up. */
export interface Joined extends ServedProcess {
  /** CLONE_NEW* of the namespaces that the process has to join itself. */
  readonly own: number;
  /** Its rights, where they were limited before anybody in the container could see it. */
  readonly rights: EarlyRights | undefined;
  /** What its program depends on. To be asked once the process is set up. @throws EffectError */
  surroundings(): Promise<Surroundings>;
}

/** Who does what on the way into the container. */
interface Way {
  /** CLONE_NEW* of the namespaces that the process joins itself: its stage joins the others. */
  readonly own: number;
  /** The process is born in the v2 cgroup, and enters the cgroup namespace itself. */
  readonly enters: boolean;
  /** A second stage is born in the v2 cgroup, joins, and clones the process. */
  readonly bySecondStage: boolean;
  /** Undefined where nothing is given up before the process is set up. */
  readonly rights: EarlyRights | undefined;
}

/**
 * Decides who joins what. The stage joins all that a process of the container could reach the host by, before there is
 * a process that the container can see (CVE-2016-9962).
 *
 * Where the container has the runtime's own user namespace, the stage also does what takes more rights than the process
 * is to have: it looks for the program with all rights, as runc does, and then gives them up. Two things have to be in
 * order: the kernel judges the way into a v2 cgroup by the cgroup namespace of whoever takes it, so the cgroup comes
 * first and its namespace second. If somebody in the container may be waiting for the process, a second stage is born
 * in the cgroup and does all of that. Otherwise the process itself enters the namespace, by its first calls, and keeps
 * the rights that those take until then.
 *
 * Where the container has another user namespace, the process joins that one too. What it can do there is no more than
 * the container's root may.
 */
function wayOf(session: Session, { record, cgroup, process, filter }: ExecPlan): Way {
  const isEarly = isRoot(session) && !inUserNamespace(record.config);
  const bySecondStage = isEarly && isWatched(record.config);
  const enters = cgroup?.record.paths.unified !== undefined && !bySecondStage;
  return {
    own: isEarly && !enters ? 0 : namespacesOf(record) & ownStep(session),
    enters,
    bySecondStage,
    rights: isEarly ? earlyRights(process, filter !== undefined) : undefined,
  };
}

/** Joins by the init's pidfd: all namespaces at once, and never those of a process that has its pid by now. */
export async function joinNamespaces(session: Session, plan: ExecPlan, extra: Extra): Promise<Joined> {
  const { record, cgroup, process } = plan;
  const way = wayOf(session, plan);
  const { own, enters, rights } = way;
  const entry = rights !== undefined && enters ? entryOf(session, extra, own, rights) : undefined;
  let look: ((kernel: Kernel) => Surroundings) | undefined;
  let isPosted = false;
  const attemptIn = (birth: string | undefined, attach?: (pid: Pid) => void): Promise<ServedProcess> =>
    startServedProcess(session.platform, 'exec', {
      inheritance: session.inheritance,
      extra: extra.fds,
      cgroup: {
        async enter(stage) {
          setInitialAffinity(stage, process.execCPUAffinity);
          attach?.(call(stage, { name: 'getpid', args: [] }));
          if (cgroup !== undefined) await enter(session.platform, stage, cgroup);
        },
        birth,
        bySecondStage: way.bySecondStage,
      },
      namespaces: {
        made: 0,
        joins: {
          add: (batch) => {
            addJoins(batch, extra, namespacesOf(record) & ~own);
            const surroundingsIn = addLastRights(batch, process, way);
            return (results) => {
              look = surroundingsIn && ((kernel) => surroundingsIn(kernel, results));
            };
          },
        },
      },
      oomScoreAdj: process.oomScoreAdj ?? record.config.process?.oomScoreAdj,
      // Its first calls are there before the process is: with the rights that they take, it waits for nobody.
      meanwhile(kernel) {
        isPosted = kernel.post !== undefined;
        if (isPosted) entry?.post(kernel);
      },
    });
  const served = await inCgroup(session, plan, attemptIn);
  if (!isPosted) entry?.post(served.kernel);
  return {
    ...served,
    own: rights === undefined ? own : 0,
    rights,
    surroundings: () => surroundingsOf(session.platform, served.kernel, process, look),
  };
}

/**
 * Adds what a stage does with all its rights: it looks for the program, and then gives up what the process may not
 * have.
 */
function addLastRights(batch: PartedBatch, process: Process, { rights, enters }: Way) {
  if (rights === undefined) return undefined;
  const { surroundingsIn } = addLookAround(batch, process);
  addEarlyRights(batch, process, enters ? withEntry(rights) : rights);
  batch.part('give the process its identity');
  return surroundingsIn;
}

function addJoins(batch: PartedBatch, { places }: Extra, namespaces: number): void {
  if (namespaces !== 0) batch.add(setns(places.init, namespaces));
  batch.part("join the container's namespaces");
  if (places.root === undefined) return;
  batch.add(fchdir(places.root));
  batch.add(chroot('.'));
  batch.part("enter the container's root");
}

/** The first calls of a process that enters the container's cgroup namespace itself. */
function entryOf(session: Session, { fds, places }: Extra, own: number, rights: EarlyRights): PartedBatch {
  const batch = new PartedBatch();
  // First of all: it is born with its stage's descriptor of the cgroup, from which ".." leads to the host's root.
  batch.add(closeRange(extraDescriptor(session.inheritance.preserveFds, fds.length), 0x7fffffff));
  batch.part("close what is the stage's");
  if (own !== 0) batch.add(setns(places.init, own));
  batch.part("join the container's namespaces");
  batch.add(bornRights(rights));
  return batch;
}

/** Tries the container's cgroup. Where that takes no process, tries another that will do. @throws EffectError */
async function inCgroup(
  session: Session,
  plan: ExecPlan,
  attemptIn: (birthCgroup: string | undefined, attach?: (pid: Pid) => void) => Promise<ServedProcess>,
): Promise<ServedProcess> {
  const { record, cgroup } = plan;
  const birthCgroup = cgroup?.record.paths.unified;
  try {
    return await attemptIn(birthCgroup);
  } catch (error) {
    if (birthCgroup === undefined || !isCgroupRefusal(error)) throw error;
    if (isForbidden(error) && record.options.rootlessCgroups) return attemptIn(undefined, attacherOf(plan));
    // A v2 cgroup with controllers for the cgroups below it takes no processes. The init has moved into one of those.
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
 * @param early what the stage has found. The stage is not in the container's pid namespace, so /proc/self leads it
 * nowhere. Where it found nothing, the process looks itself, and says what is wrong.
 */
async function surroundingsOf(
  platform: Platform,
  kernel: Kernel,
  process: Process,
  early: ((kernel: Kernel) => Surroundings) | undefined,
): Promise<Surroundings> {
  try {
    if (early !== undefined) return early(kernel);
  } catch (error) {
    if (!(error instanceof EffectError)) throw error;
  }
  return lookAround(platform, kernel, process);
}

/** An ordinary user goes without a cgroup that he cannot join, unless he has asked for it. runc does the same. */
function attacherOf({ attach, cgroup }: ExecPlan): (pid: Pid) => void {
  return (pid) => {
    try {
      if (attach !== undefined && cgroup !== undefined) attach(pid, cgroup.record);
    } catch (error) {
      if (cgroup?.explicit) throw new EffectError(`error adding pid to cgroups: ${reasonOf(error)}`, { cause: error });
    }
  };
}

/** Moves the stage into the cgroups of v1. The process is born in that of v2. */
async function enter(platform: Platform, stage: Kernel, { record }: ExecCgroup): Promise<void> {
  const options = { withoutUnified: true };
  const calls = joinCalls(record, options);
  if (calls.length === 0) return;
  try {
    checkJoined(record, (await submitAwaited(platform, stage, calls)).results, options);
  } catch (error) {
    throw new EffectError(`error adding pid to cgroups: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * The namespaces that a process joins itself. A user without privileges gets into the others only once he is in the
 * user namespace, and so his stage joins that one: then only the cgroup namespace is left to the process.
 */
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
