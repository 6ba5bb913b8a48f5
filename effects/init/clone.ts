/**
 * Makes a process that serves batches, in a cgroup and in namespaces. A stage goes there, and clones the process as a
 * child of this command. A container's init comes to be this way, and so do the processes of `exec`.
 */

import { closeRange } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import type { Platform } from '../../native/platform.ts';
import type { StandingStages } from '../../native/stage/stage.ts';
import { STANDING_FROM } from '../../native/stage/standing.ts';
import { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';
import type { InitConnection } from '../session.ts';
import { batchDescriptor } from './descriptors.ts';
import type { ServedProcessPlan } from './plan.ts';
import { addClone, addOpenCgroup, cloneByStages, ownChild, postAndAwait, type SecondStage } from './stages.ts';

export interface ServedProcess extends InitConnection {
  readonly pid: Pid;
}

/** @throws EffectError; no process is left then */
export async function startServedProcess(
  platform: Platform,
  performer: string,
  plan: ServedProcessPlan,
): Promise<ServedProcess> {
  const { local } = platform;
  const { stdio, preserveFds, preserved } = plan.inheritance;
  const ends = makeSocket(local, performer);
  using ours = new Owned(local, ends.ours);
  using theirs = new Owned(local, ends.theirs);
  const table: Fd[] = [...stdio];
  for (let i = 0; i < preserveFds; i++) table.push(preserved?.[i] ?? 3 + i);
  table.push(theirs.fd, ...plan.extra);
  let pid: Pid | undefined;
  const kernel = platform.kernelBehind(ours.fd, performer, () => pid);
  const meanwhile = (): void => plan.meanwhile?.(kernel);
  const standing = leavesStageAsItIs(plan) && table.length < STANDING_CGROUP ? platform.standing : undefined;
  pid =
    standing === undefined
      ? await cloneByOwnStages(platform, table, plan, meanwhile)
      : await standing.alone(() => cloneByStandingStage(platform, standing, table, plan, meanwhile));
  return { pid, socket: ours.release(), kernel };
}

function makeSocket(local: Kernel, performer: string): { readonly ours: Fd; readonly theirs: Fd } {
  const [ours, theirs] = doing(`make a socket for the ${performer}`, () => socketPair(local));
  return { ours, theirs };
}

async function cloneByOwnStages(
  platform: Platform,
  table: Fd[],
  plan: ServedProcessPlan,
  meanwhile: () => void,
): Promise<Pid> {
  if (!plan.cgroup.bySecondStage || plan.cgroup.birth === undefined)
    return cloneByStages(platform, table, plan, meanwhile);
  const { ours, theirs } = makeSocket(platform.local, 'stage');
  using socket = new Owned(platform.local, theirs);
  const second: SecondStage = { connection: ours, socket: table.push(socket.fd) - 1 };
  // The socket is open until the stages are done with it.
  return await cloneByStages(platform, table, plan, meanwhile, second);
}

/** Whether a stage is the same after it has cloned the process: all else that the plan asks of a stage changes it. */
const leavesStageAsItIs = ({ cgroup, namespaces, oomScoreAdj }: ServedProcessPlan): boolean =>
  cgroup.enter === undefined && namespaces.joins === undefined && oomScoreAdj === undefined;

/** In a standing stage: the descriptor of the cgroup that a process is to be born in. */
const STANDING_CGROUP: Fd = STANDING_FROM - 1;

async function cloneByStandingStage(
  platform: Platform,
  standing: StandingStages,
  table: readonly Fd[],
  { cgroup, namespaces, inheritance }: ServedProcessPlan,
  meanwhile: () => void,
): Promise<Pid> {
  try {
    const { kernel, pass } = doing('start the stage', standing.current);
    const batch = new PartedBatch();
    batch.add(doing('pass descriptors to the stage', () => pass(table)));
    batch.part('take the descriptors in the stage');
    if (cgroup.birth !== undefined) addOpenCgroup(batch, cgroup.birth, STANDING_CGROUP);
    const birth = cgroup.birth === undefined ? undefined : STANDING_CGROUP;
    const pid = addClone(batch, namespaces.made, birth, batchDescriptor(inheritance.preserveFds));
    batch.add(closeRange(0, STANDING_FROM - 1));
    batch.part('tidy up the stage');
    return ownChild(platform.local, resultOf(await postAndAwait(platform, batch, kernel, meanwhile), pid));
  } catch (error) {
    standing.retire();
    throw error;
  }
}
