/**
 * Brings a process into being that serves batches, in a cgroup and in namespaces: a *stage* is spawned, moves itself
 * there, and clones the process as a child of this command. The container's init comes so, and the processes of `exec`.
 */

import { close, closeRange, dup3, openat } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { clone3, SIGINFO_BYTES, waitid } from '../../native/calls/process.ts';
import { killChild } from '../../native/calls/reap.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt, flush } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import type { StandingStages } from '../../native/stage/stage.ts';
import { STANDING_FROM } from '../../native/stage/standing.ts';
import { PartedBatch } from '../batch.ts';
import { doing, EffectError } from '../error.ts';
import { addOomScore } from '../process/execution-domain.ts';
import { endChild } from '../running/wait.ts';
import type { Inheritance, InitConnection } from '../session.ts';

interface ServedProcessPlan {
  readonly inheritance: Inheritance;
  /** Descriptors of this process that the new one gets after its standard, preserved and batch ones. */
  readonly extra: readonly number[];
  /** Moves the stage into the cgroups that the process is not born in. @throws Error */
  readonly enterCgroup?: ((stage: Kernel) => void) | undefined;
  /** A cgroup v2 directory that the process is born in. */
  readonly birthCgroup?: string | undefined;
  /** How willingly the kernel ends it when memory runs out. */
  readonly oomScoreAdj?: number | undefined;
  /** Adds what must come before anything is joined: in a joined mount namespace paths lead elsewhere. */
  readonly addFirst?: ((batch: PartedBatch) => ResultRef | undefined) | undefined;
  /** Joins namespaces where that takes looking at what happened. @throws Error */
  readonly joinFirst?: ((stage: Kernel) => void) | undefined;
  /** Adds the joining of namespaces. `held` is the descriptor that `addFirst` gave. What it returns is told the batch's results. */
  readonly addJoins?:
    | ((batch: PartedBatch, held: number) => ((results: readonly number[]) => void) | undefined)
    | undefined;
  /**
   * It is not the process that is born in the cgroup, but another stage, which joins: so that a cgroup namespace can be joined before
   * the process is there. From within that one no other cgroup can be named.
   */
  readonly joinsInCgroup?: boolean | undefined;
  /** CLONE_NEW* of the namespaces that are made. */
  readonly madeNamespaces: number;
  /**
   * What there is to do while the kernel makes the namespaces: a network takes it 0.5 ms. It must not throw.
   * @param process as a kernel; it is not there yet
   */
  readonly meanwhile?: ((process: Kernel) => void) | undefined;
}

export interface ServedProcess extends InitConnection {
  readonly pid: number;
}

/** The number, in the process, of its end of the batch socket: the first after what it preserves. */
const batchDescriptor = (preserveFds: number): number => 3 + preserveFds;

/** The number, in the process, of the i-th extra descriptor. */
export const extraDescriptor = (preserveFds: number, index: number): number => batchDescriptor(preserveFds) + 1 + index;

/** Numbers that no open file of the process reaches by itself. */
const APART = 16;

/** The number, in an init, of its rootfs until it is entered. */
export const rootDescriptor = (preserveFds: number): number => batchDescriptor(preserveFds) + APART;

/** @throws EffectError; no process is left then */
export function startServedProcess(platform: Platform, performer: string, plan: ServedProcessPlan): ServedProcess {
  const { local } = platform;
  const { stdio, preserveFds } = plan.inheritance;
  const [ours, theirs] = makeSocket(local, performer);
  const opened = [theirs];
  try {
    const table: number[] = [...stdio];
    for (let fd = 3; fd < 3 + preserveFds; fd++) table.push(fd);
    table.push(theirs, ...plan.extra);
    let second: SecondStage | undefined;
    if (plan.joinsInCgroup && plan.birthCgroup !== undefined) {
      const [own, other] = makeSocket(local, 'stage');
      opened.push(other);
      second = { connection: own, socket: table.push(other) - 1 };
    }
    const kernel = platform.kernelBehind(ours, performer);
    const meanwhile = (): void => plan.meanwhile?.(kernel);
    const standing = leavesStage(plan) && table.length < STANDING_CGROUP ? platform.standing : undefined;
    const pid =
      standing === undefined
        ? cloneProcess(platform, table, plan, meanwhile, second)
        : cloneFrom(local, standing, table, plan, meanwhile);
    return { pid, socket: ours, kernel };
  } catch (error) {
    local.submit([close(ours)]);
    throw error;
  } finally {
    local.submit(opened.map((fd) => ({ ...close(fd), mayFail: true })));
  }
}

const makeSocket = (local: Kernel, performer: string): readonly [ours: Fd, theirs: Fd] =>
  doing(`make a socket for the ${performer}`, () => socketPair(local));

/** Born in the cgroup, of the first one. */
interface SecondStage {
  /** This process's end of its socket, and its own, there. */
  readonly connection: number;
  readonly socket: number;
}

function cloneProcess(
  platform: Platform,
  table: readonly number[],
  plan: ServedProcessPlan,
  meanwhile: () => void,
  second: SecondStage | undefined,
): number {
  const connections = second === undefined ? [] : [second.connection];
  const pids: number[] = [];
  try {
    const stage = doing(
      'start the stage',
      () => platform.launchedStage?.(table, 'stage') ?? platform.spawnStage(table, 'stage'),
    );
    connections.push(stage.connection);
    pids.push(stage.pid);
    let batch = new PartedBatch();
    for (const one of stage.settling ?? []) batch.add(one);
    batch.add(closeRange(stage.socket + 1, 0x7fffffff));
    batch.part('prepare the stage');
    if (plan.enterCgroup !== undefined) {
      // First: in a frozen cgroup of v1 the stage would keep what it has of the caller's.
      batch.post(stage.kernel);
      plan.enterCgroup(stage.kernel);
      batch = new PartedBatch();
    }
    addOomScore(batch, plan.oomScoreAdj);
    // Numbers that calls of a later batch can be told.
    const cgroup = apartFrom(table.length, stage.socket);
    const held = cgroup + 1;
    // Before anything is joined: the path is the host's.
    if (plan.birthCgroup !== undefined) addOpenCgroup(batch, plan.birthCgroup, cgroup);
    const first = plan.addFirst?.(batch);
    if (first !== undefined) {
      batch.add(dup3(first, held, O.CLOEXEC));
      batch.add(close(first));
    }
    if (plan.joinFirst !== undefined) {
      batch.perform(stage.kernel);
      plan.joinFirst(stage.kernel);
      batch = new PartedBatch();
    }
    const serves = batchDescriptor(plan.inheritance.preserveFds);
    let { kernel } = stage;
    let birth = plan.birthCgroup === undefined ? undefined : cgroup;
    if (second !== undefined) {
      const pid = addClone(batch, 0, birth, second.socket);
      const results = performAll(batch, kernel, () => undefined);
      kernel = platform.kernelBehind(second.connection, 'stage');
      pids.push(ownChild(platform.local, resultOf(results, pid)));
      birth = undefined;
      batch = new PartedBatch();
    }
    const joined = plan.addJoins?.(batch, held);
    const pid = addClone(batch, plan.madeNamespaces, birth, serves);
    const results = performAll(batch, kernel, meanwhile);
    joined?.(results);
    return ownChild(platform.local, resultOf(results, pid));
  } finally {
    for (const connection of connections) attempt(platform.local, close(connection));
    // All are killed before one of them is waited for: a signal may end the wait.
    for (const pid of pids) killChild(platform.local, pid);
    for (const pid of pids) endChild(platform, pid);
  }
}

/** What a stage has open at once besides: all namespaces that it joins, and little else. */
const AT_ONCE = 12;

/**
 * Two numbers, this and the next, that no open file of a stage reaches by itself. Below its socket where there is room: a caller's
 * limit may be as low as 32, as with runc.
 * @param used descriptors from 0 on that the stage has
 */
const apartFrom = (used: number, socket: number): number =>
  used + AT_ONCE + 2 <= socket ? socket - 2 : socket + APART;

function performAll(batch: PartedBatch, stage: Kernel, meanwhile: () => void): readonly number[] {
  let all: readonly number[] = [];
  batch.post(stage, (results) => {
    all = results;
  });
  meanwhile();
  flush(stage);
  return all;
}

/**
 * A stage that joins a container may be taken over in it, and name a process of the host's, for us to signal it later. With
 * CLONE_PARENT the one that it has made is a child of ours.
 */
function ownChild(local: Kernel, pid = 0): number {
  const asked = attempt(local, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED | W.NOHANG | W.NOWAIT));
  if (pid > 0 && asked !== -ERRNO.ECHILD) return pid;
  throw new EffectError(
    `clone3 into the namespaces: the stage names process ${pid}, which is no child of this process`,
  );
}

/** Whether all that the stage does besides cloning the process leaves no trace in the stage. */
const leavesStage = ({ enterCgroup, joinFirst, addJoins, oomScoreAdj }: ServedProcessPlan): boolean =>
  enterCgroup === undefined && joinFirst === undefined && addJoins === undefined && oomScoreAdj === undefined;

/** In a standing stage: the cgroup that a process is to be born in. */
const STANDING_CGROUP = STANDING_FROM - 1;

function cloneFrom(
  local: Kernel,
  standing: StandingStages,
  table: readonly number[],
  plan: ServedProcessPlan,
  meanwhile: () => void,
): number {
  try {
    const { kernel, pass } = doing('start the stage', standing.current);
    const batch = new PartedBatch();
    batch.add(doing('pass descriptors to the stage', () => pass(table)));
    batch.part('take the descriptors in the stage');
    if (plan.birthCgroup !== undefined) addOpenCgroup(batch, plan.birthCgroup, STANDING_CGROUP);
    const birth = plan.birthCgroup === undefined ? undefined : STANDING_CGROUP;
    const pid = addClone(batch, plan.madeNamespaces, birth, batchDescriptor(plan.inheritance.preserveFds));
    batch.add(closeRange(0, STANDING_FROM - 1));
    batch.part('tidy up the stage');
    return ownChild(local, resultOf(performAll(batch, kernel, meanwhile), pid));
  } catch (error) {
    standing.retire();
    throw error;
  }
}

function addOpenCgroup(batch: PartedBatch, path: string, to: number): void {
  const fd = batch.add(openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  batch.add(dup3(fd, to, O.CLOEXEC));
  batch.add(close(fd));
  batch.part(`open the cgroup ${path}`);
}

/** @param cgroup that it is born in, opened */
function addClone(batch: PartedBatch, namespaces: number, cgroup: number | undefined, childServes: number): ResultRef {
  const pid = batch.add(
    clone3({
      // A sum: INTO_CGROUP lies beyond the 32 bits of JavaScript's `|`.
      flags: (namespaces | CLONE.PARENT) + (cgroup === undefined ? 0 : CLONE.INTO_CGROUP),
      // With CLONE_PARENT the child gets the exit signal of the stage: SIGCHLD to this process.
      exitSignal: 0,
      ...(cgroup === undefined ? {} : { cgroup }),
      childServes,
    }),
  );
  batch.part('clone3 into the namespaces');
  return pid;
}
