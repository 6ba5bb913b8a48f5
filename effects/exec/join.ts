/** `exec`: makes another process in a container, in its cgroup and namespaces, in the same way as its init. */

import { close, closeRange } from '../../native/calls/files.ts';
import { setgroups, setns, setresgid, setresuid, setsid } from '../../native/calls/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { OwnedStack } from '../../native/kernel/owned.ts';
import { attempt, flush, post } from '../../native/kernel/perform.ts';
import { interruptedBy } from '../../native/performers/interruption.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { awaitAnswers } from '../answers.ts';
import { PartedBatch } from '../batch.ts';
import type { ServedProcess } from '../init/clone.ts';
import { extraDescriptor } from '../init/descriptors.ts';
import { givePipes } from '../namespaces/user/give-pipes.ts';
import { inUserNamespace } from '../namespaces/user/mappings.ts';
import { groupsDenied, readMappings } from '../namespaces/user/read-mappings.ts';
import { addFinalAffinity } from '../process/affinity.ts';
import { lateRights } from '../process/early-rights.ts';
import { type Execution, executeProcess, planExecution } from '../process/execute.ts';
import { personalityCalls } from '../process/execution-domain.ts';
import { keepsGroups } from '../process/groups.ts';
import { addSessionKeyring, keyringLabel } from '../process/keyring.ts';
import { refuseLabels, setLabels } from '../process/labels.ts';
import { addLimits, addOpenFilesLimit } from '../process/limits.ts';
import { addMemoryPolicy } from '../process/memory-policy.ts';
import { addPriorities } from '../process/priorities.ts';
import { giveTerminal } from '../process/terminal.ts';
import { endChild } from '../running/wait.ts';
import type { Session } from '../session.ts';
import { type Joined, joinNamespaces } from './namespaces.ts';
import { type ExecPlan, type Extra, openExtra } from './plan.ts';

/** A process in the container that has not executed its program yet. */
export interface JoinedProcess {
  /** As this process sees it. It is a child of this process. */
  readonly pid: Pid;
  /** Executes the program. @throws EffectError in the words that engines know; the process must be ended then */
  execute(): Promise<void>;
  /** Lets go of a process that has executed its program. */
  release(): void;
  /** Kills a process that has not, and reaps it. */
  end(): void;
}

/**
 * @returns a process that has the container's namespaces, cgroup and terminal, and whose program has been found
 * @throws EffectError in the words that engines know; no process is left then
 */
export async function joinContainer(session: Session, plan: ExecPlan): Promise<JoinedProcess> {
  refuseLabels(session.platform.local, plan.process);
  using owners = new OwnedStack();
  const extra = openExtra(session, plan, owners);
  const served = await joinNamespaces(session, plan, extra);
  try {
    giveStandardPipes(session, plan);
    await settle(session, plan, served, extra);
    return ready(session, plan, served, extra, await execution(session, plan, served));
  } catch (error) {
    end(session, served);
    throw error;
  }
}

function giveStandardPipes(session: Session, { record: { config, init } }: ExecPlan): void {
  const { pipes = [] } = session.inheritance;
  if (pipes.length > 0 && init !== undefined && inUserNamespace(config))
    givePipes(session, readMappings(session.platform.local, init.pid));
}

const mayNotSetGroups = ({ platform: { local } }: Session, { record: { config, init } }: ExecPlan): boolean =>
  inUserNamespace(config) && init !== undefined && groupsDenied(local, init.pid);

/** What the process's last calls depend on, once it is set up. @throws EffectError */
async function execution(
  session: Session,
  plan: ExecPlan,
  { kernel, rights, surroundings }: Joined,
): Promise<Execution> {
  const { process } = plan;
  const { platform } = session;
  const found = await surroundings();
  const denied = mayNotSetGroups(session, plan);
  if (rights === undefined) return planExecution(platform, kernel, process, denied, found);
  // The process answers once its cgroup is thawed, and may have to wait for other things.
  await awaitAnswers(platform, kernel);
  const { uid = 0 } = process.user ?? {};
  // We do it, since the process may not any more. With a terminal, its standard descriptors were other ones when the
  // stage looked at them, and its terminal has been given to the user already.
  if (!process.terminal)
    for (const fd of found.foreignStdio) attempt(platform.local, giveTo(session.inheritance.stdio[fd] ?? -1, uid));
  const nullStdio = process.terminal ? [] : found.nullStdio;
  return {
    ...(await planExecution(platform, kernel, process, denied, { ...found, foreignStdio: [], nullStdio })),
    isLimited: true,
  };
}

const giveTo = (fd: Fd, uid: number): Call => ({ name: 'fchown', args: [fd, uid, -1], mayFail: true });

/** Sets the process up. The calls are posted: the search for the program waits for them. @throws EffectError */
async function settle(session: Session, plan: ExecPlan, served: Joined, extra: Extra): Promise<void> {
  const { record, process } = plan;
  const { kernel, rights } = served;
  const { places } = extra;
  limit(session, plan, served, extra);
  if (rights !== undefined) setFromOutside(session, plan, served);
  if (process.selinuxLabel) await awaitAnswers(session.platform, kernel);
  const batch = new PartedBatch();
  addOwnJoins(batch, record, served, extra);
  batch.add(setsid());
  if (!record.options.noNewKeyring) addSessionKeyring(batch, `_ses.${record.id}`, keyringLabel(kernel, process));
  batch.part('prepare the process');
  batch.post(kernel);
  setLabels(kernel, process);
  if (places.console !== undefined) {
    await awaitAnswers(session.platform, kernel);
    giveTerminal(kernel, { consoleSocket: places.console, size: process.consoleSize, console: false });
    if (rights !== undefined) kernel.submit([giveTo(0, process.user?.uid ?? 0)]);
  }
  if (rights !== undefined) post(kernel, lateRights(rights), () => undefined);
}

/** Posts what sets the process's limits, and closes what it has of the stage's. */
function limit(
  { platform, inheritance: { preserveFds, openFilesLimit } }: Session,
  { record, process }: ExecPlan,
  { kernel, rights }: Joined,
  { fds }: Extra,
): void {
  const { linux } = record.config;
  const batch = new PartedBatch();
  batch.add(closeRange(extraDescriptor(preserveFds, fds.length), 0x7fffffff));
  for (const call of personalityCalls(linux?.personality)) batch.add(call);
  batch.part('prepare the process');
  addFinalAffinity(batch, process.execCPUAffinity);
  // The process sets these while it may still raise its limits: once in another user namespace, it may not.
  if (rights === undefined) {
    addLimits(batch, process);
    addPriorities(batch, process, linux?.resources?.cpu?.cpus);
  }
  addOpenFilesLimit(batch, platform.local, process, openFilesLimit);
  addMemoryPolicy(batch, linux?.memoryPolicy);
  batch.post(kernel);
}

/** Adds: join the namespaces that the stage has left to the process, and close what that took. */
function addOwnJoins(batch: PartedBatch, { config }: ContainerRecord, { own }: Joined, { places }: Extra): void {
  if (own !== 0) batch.add(setns(places.init, own));
  if (inUserNamespace(config)) {
    // Denied where a user without privileges has made the namespace.
    if (!keepsGroups(config)) batch.try(setgroups([]));
    batch.add(setresgid(0));
    batch.add(setresuid(0));
  }
  batch.part("join the container's namespaces");
  batch.add(close(places.init));
  if (places.root !== undefined) batch.add(close(places.root));
}

/**
 * Sets, from this process, what takes rights that the other one does not have any more. Its affinity must have been set
 * before: some schedulers demand all CPUs.
 */
function setFromOutside(
  { platform: { local } }: Session,
  { record, process }: ExecPlan,
  { kernel, pid }: Joined,
): void {
  const batch = new PartedBatch();
  addLimits(batch, process, pid);
  addPriorities(batch, process, record.config.linux?.resources?.cpu?.cpus, pid);
  if (batch.calls.length === 0) return;
  if (process.scheduler !== undefined) flush(kernel);
  batch.perform(local);
}

function ready(
  session: Session,
  plan: ExecPlan,
  served: ServedProcess,
  { places }: Extra,
  execution: Execution,
): JoinedProcess {
  const { kernel, pid } = served;
  return {
    pid,
    async execute() {
      const filter = plan.filter?.callsFor(kernel, pid, places.agent) ?? [];
      await executeProcess(session.platform, kernel, execution, {
        preserveFds: session.inheritance.preserveFds,
        filter,
      });
    },
    release: () => void attempt(session.platform.local, close(served.socket)),
    end: () => end(session, served),
  };
}

/** Ends the process by SIGKILL: under a seccomp filter it may not notice the end of its connection. */
function end({ platform }: Session, { pid, socket }: ServedProcess): void {
  attempt(platform.local, close(socket));
  try {
    endChild(platform, pid);
  } catch (error) {
    // On cgroup v1 a frozen process ends only once it is thawed. Whoever gets our orphans reaps it then.
    if (interruptedBy(error) === undefined) throw error;
  }
}
