/** `exec`: another process in a container, in its cgroup and namespaces, by the same means as its init. */

import { close, closeRange } from '../../native/calls/files.ts';
import { setgroups, setns, setresgid, setresuid, setsid } from '../../native/calls/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import { attempt, flush, post } from '../../native/kernel/perform.ts';
import { interruptedBy } from '../../native/performers/interruption.ts';
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
import { addSessionKeyring, keyringLabel } from '../process/keyring.ts';
import { refuseLabels, setLabels } from '../process/labels.ts';
import { addLimits, addOpenFilesLimit } from '../process/limits.ts';
import { addMemoryPolicy } from '../process/memory-policy.ts';
import { addPriorities } from '../process/priorities.ts';
import { giveTerminal } from '../process/terminal.ts';
import { endChild } from '../running/wait.ts';
import type { Session } from '../session.ts';
import { type ExecPlan, type Extra, type Joined, joinNamespaces, openExtra } from './namespaces.ts';

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
  refuseLabels(session.platform.local, plan.process);
  using owners = new DisposableStack();
  const extra = openExtra(session, plan, owners);
  const served = joinNamespaces(session, plan, extra);
  try {
    giveStandardPipes(session, plan);
    settle(session, plan, served, extra);
    return ready(session, plan, served, extra, execution(session, plan, served));
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

/** What the process's last calls depend on; it is set up. @throws EffectError */
function execution(session: Session, plan: ExecPlan, { kernel, rights, surroundings }: Joined): Execution {
  const { process } = plan;
  const found = surroundings();
  const denied = mayNotSetGroups(session, plan);
  if (rights === undefined) return planExecution(kernel, process, denied, found);
  flush(kernel);
  const { uid = 0 } = process.user ?? {};
  // By us: the process may not any more. Of its own terminal, which it looked for in vain, that is done.
  if (!process.terminal)
    for (const fd of found.foreignStdio)
      attempt(session.platform.local, giveTo(session.inheritance.stdio[fd] ?? -1, uid));
  const nullStdio = process.terminal ? [] : found.nullStdio;
  return {
    ...planExecution(kernel, process, denied, { ...found, foreignStdio: [], nullStdio }),
    isLimited: true,
  };
}

const giveTo = (fd: number, uid: number): Call => ({ name: 'fchown', args: [fd, uid, -1], mayFail: true });

function settle(session: Session, plan: ExecPlan, served: Joined, { fds, places }: Extra): void {
  const { record, process } = plan;
  const { kernel, own, rights } = served;
  const { preserveFds, openFilesLimit } = session.inheritance;
  const cpus = record.config.linux?.resources?.cpu?.cpus;
  const limits = new PartedBatch();
  limits.add(closeRange(extraDescriptor(preserveFds, fds.length), 0x7fffffff));
  for (const call of personalityCalls(record.config.linux?.personality)) limits.add(call);
  limits.part('prepare the process');
  addFinalAffinity(limits, process.execCPUAffinity);
  // While it may still raise them: a user namespace takes that away.
  if (rights === undefined) {
    addLimits(limits, process);
    addPriorities(limits, process, cpus);
  }
  addOpenFilesLimit(limits, session.platform.local, process, openFilesLimit);
  addMemoryPolicy(limits, record.config.linux?.memoryPolicy);
  // Not waited for: that comes with the search for the program.
  limits.post(kernel);
  if (rights !== undefined) setFromOutside(session, plan, served);
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
  if (places.console !== undefined) {
    flush(kernel);
    giveTerminal(kernel, { consoleSocket: places.console, size: process.consoleSize, console: false });
    if (rights !== undefined) kernel.submit([giveTo(0, process.user?.uid ?? 0)]);
  }
  if (rights !== undefined) post(kernel, lateRights(rights), () => undefined);
}

/** What takes rights that the process has not any more. Its affinity comes first: some schedulers ask for all CPUs. */
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
