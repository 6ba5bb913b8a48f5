/** A stage for one process: it enters cgroups, joins namespaces, clones the process, and is ended. */

import { close, closeRange, dup3, openat } from '../../native/calls/files.ts';
import { clone3, SIGINFO_BYTES, waitid } from '../../native/calls/process.ts';
import { killChild } from '../../native/calls/reap.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import type { Stage } from '../../native/stage/stage.ts';
import { awaitAnswers } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import { doing, EffectError } from '../error.ts';
import { addOomScore } from '../process/execution-domain.ts';
import { endChildAwaited } from '../running/wait.ts';
import { APART, batchDescriptor } from './descriptors.ts';
import type { ServedProcessPlan } from './plan.ts';

/** A stage that the first one clones into the cgroup. */
export interface SecondStage {
  /** This process's end of its socket. It is closed here. */
  readonly connection: Fd;
  /** Its own end, in both stages. */
  readonly socket: Fd;
}

/** What is there as long as the process is being made. */
interface Makers {
  readonly connections: Fd[];
  readonly pids: Pid[];
}

/**
 * @param table what the process gets: descriptors of this process, as its own from 0 on
 * @param meanwhile is called while the kernel makes the namespaces
 * @returns the process's pid; it is a child of this process, and no stage is left
 * @throws EffectError; no process is left then
 */
export async function cloneByStages(
  platform: Platform,
  table: readonly Fd[],
  plan: ServedProcessPlan,
  meanwhile: () => void,
  second?: SecondStage,
): Promise<Pid> {
  const makers: Makers = { connections: second === undefined ? [] : [second.connection], pids: [] };
  try {
    // What a second stage clones would not be in the namespaces of the first one's choice.
    const stage = startStage(platform, table, makers, second === undefined ? plan.namespaces.made : 0);
    // Two numbers that calls of a later batch can use.
    const cgroup = apartFrom(table.length, stage.socket);
    const held = cgroup + 1;
    const batch = await prepareStage(platform, stage, plan, cgroup, held);
    const birth = plan.cgroup.birth === undefined ? undefined : cgroup;
    const { inheritance } = plan;
    const namespaces = { ...plan.namespaces, made: plan.namespaces.made & ~(stage.entered ?? 0) };
    const serves = batchDescriptor(inheritance.preserveFds);
    if (second === undefined)
      return await cloneProcess(platform, stage.kernel, batch, { namespaces, held, birth, serves }, meanwhile);
    const kernel = await cloneSecondStage(platform, stage.kernel, batch, second, birth, makers);
    const rest = new PartedBatch();
    // From the cgroup's directory, ".." leads to the host's root: nobody in the container may get hold of it.
    if (birth !== undefined) rest.add(close(birth));
    rest.part('close the cgroup');
    return await cloneProcess(platform, kernel, rest, { namespaces, held, birth: undefined, serves }, meanwhile);
  } finally {
    await endMakers(platform, makers);
  }
}

/** @param made CLONE_NEW* of the namespaces that are to be made. The stage may be in some of them */
function startStage(platform: Platform, table: readonly Fd[], makers: Makers, made: number): Stage {
  const stage = doing(
    'start the stage',
    () => platform.launchedStage?.(table, 'stage', made) ?? platform.spawnStage(table, 'stage'),
  );
  makers.connections.push(stage.connection);
  makers.pids.push(stage.pid);
  return stage;
}

/**
 * What a stage does before it joins or clones anything. It opens what lies on a path of the host's.
 * @param cgroup the number that the opened cgroup gets
 * @param held the number that the file gets which the plan opens
 * @returns a batch that has not been performed yet
 */
async function prepareStage(
  platform: Platform,
  stage: Stage,
  { cgroup: { enter, birth }, namespaces: { joins }, oomScoreAdj }: ServedProcessPlan,
  cgroup: Fd,
  held: Fd,
): Promise<PartedBatch> {
  let batch = new PartedBatch();
  for (const one of stage.settling ?? []) batch.add(one);
  batch.add(closeRange(stage.socket + 1, 0x7fffffff));
  batch.part('prepare the stage');
  if (enter !== undefined) {
    // First of all: in a frozen cgroup of v1 the stage would stop here, and keep descriptors of the caller's open.
    batch.post(stage.kernel);
    await enter(stage.kernel);
    batch = new PartedBatch();
  }
  addOomScore(batch, oomScoreAdj);
  if (birth !== undefined) addOpenCgroup(batch, birth, cgroup);
  const opened = joins?.open?.(batch);
  if (opened !== undefined) {
    batch.add(dup3(opened, held, O.CLOEXEC));
    batch.add(close(opened));
  }
  if (joins?.first === undefined) return batch;
  await batch.performAwaited(platform, stage.kernel);
  joins.first(stage.kernel);
  return new PartedBatch();
}

/** What stages have open at once besides: all namespaces that they join, and little else. */
const AT_ONCE = 12;

/**
 * The first of two numbers that no file of a stage gets when it is opened. They are below its socket where there is
 * room: a caller's limit of open files may be as low as 32, as with runc.
 * @param used how many descriptors from 0 on the stage has
 */
const apartFrom = (used: number, socket: Fd): Fd => (used + AT_ONCE + 2 <= socket ? socket - 2 : socket + APART);

/** @returns the second stage, as a kernel */
async function cloneSecondStage(
  platform: Platform,
  stage: Kernel,
  batch: PartedBatch,
  { connection, socket }: SecondStage,
  birth: Fd | undefined,
  makers: Makers,
): Promise<Kernel> {
  const pid = addClone(batch, 0, birth, socket);
  const results = await postAndAwait(platform, batch, stage, () => undefined);
  const own = ownChild(platform.local, resultOf(results, pid));
  makers.pids.push(own);
  return platform.kernelBehind(connection, 'stage', () => own);
}

interface LastSteps extends Pick<ServedProcessPlan, 'namespaces'> {
  /** The descriptor that the plan's `open` has opened. */
  readonly held: Fd;
  /** The cgroup that the process is born in, opened. */
  readonly birth: Fd | undefined;
  /** The process's end of its batch socket. */
  readonly serves: Fd;
}

/** Performs the batch, joins the namespaces, and clones the process. */
async function cloneProcess(
  platform: Platform,
  stage: Kernel,
  batch: PartedBatch,
  { namespaces: { made, joins }, held, birth, serves }: LastSteps,
  meanwhile: () => void,
): Promise<Pid> {
  const joined = joins?.add(batch, held);
  const pid = addClone(batch, made, birth, serves);
  const results = await postAndAwait(platform, batch, stage, meanwhile);
  joined?.(results);
  return ownChild(platform.local, resultOf(results, pid));
}

async function endMakers(platform: Platform, { connections, pids }: Makers): Promise<void> {
  for (const connection of connections) attempt(platform.local, close(connection));
  if (platform.caller !== undefined) {
    platform.caller.retire(pids);
    return;
  }
  // All are killed before one of them is waited for: a signal may end the wait.
  for (const pid of pids) killChild(platform.local, pid);
  for (const pid of pids) await endChildAwaited(platform, pid);
}

/** The wait is not ended: a process that was cloned has to be known, so that somebody can end it. */
export async function postAndAwait(
  platform: Platform,
  batch: PartedBatch,
  stage: Kernel,
  meanwhile: () => void,
): Promise<readonly number[]> {
  let all: readonly number[] = [];
  batch.post(stage, (results) => {
    all = results;
  });
  meanwhile();
  await awaitAnswers(platform, stage, { toTheEnd: true });
  return all;
}

/**
 * Checks the pid that a stage says it has cloned. A stage that joins a container may be taken over there, and name a
 * process of the host's, for us to signal it later. What the stage has cloned is a child of ours (CLONE_PARENT).
 * @throws EffectError where the process is no child of this process
 */
export function ownChild(local: Kernel, pid: Pid): Pid {
  const asked = attempt(local, waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED | W.NOHANG | W.NOWAIT));
  if (pid > 0 && asked !== -ERRNO.ECHILD) return pid;
  throw new EffectError(
    `clone3 into the namespaces: the stage names process ${pid}, which is no child of this process`,
  );
}

/** Adds: open a cgroup v2 directory, as descriptor `to`. */
export function addOpenCgroup(batch: PartedBatch, path: string, to: Fd): void {
  const fd = batch.add(openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  batch.add(dup3(fd, to, O.CLOEXEC));
  batch.add(close(fd));
  batch.part(`open the cgroup ${path}`);
}

/**
 * Adds: clone a process that serves batches.
 * @param namespaces CLONE_NEW* of those that are made
 * @param cgroup that the process is born in, opened
 * @param childServes the process's end of its batch socket
 */
export function addClone(
  batch: PartedBatch,
  namespaces: number,
  cgroup: Fd | undefined,
  childServes: Fd,
): ResultRef<Pid> {
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
