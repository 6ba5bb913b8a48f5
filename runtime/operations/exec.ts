/** `exec`: another process in a container that is there. */

import { createActor } from 'xstate';
import { doingSlowly } from '../../effects/error.ts';
import { execCgroup } from '../../effects/exec/cgroup.ts';
import { type JoinedProcess, joinContainer } from '../../effects/exec/join.ts';
import type { ExecPlan } from '../../effects/exec/plan.ts';
import { capabilityWarnings } from '../../effects/process/capabilities.ts';
import { grouped } from '../../effects/process/groups.ts';
import type { Inheritance, Session } from '../../effects/session.ts';
import { type ExecActor, execMachine, settled } from '../../machines/exec.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { interruptedBy } from '../../native/performers/interruption.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import { STARTING_PROCESS } from '../container/answers.ts';
import type { Context } from '../container/context.ts';
import { filtersFor } from '../container/filter.ts';
import { sessionFor } from '../container/open.ts';
import { permitted } from '../container/permitted.ts';
import { attacherFor } from '../container/systemd.ts';
import { announce } from '../foreground/announce.ts';
import { enterForeground } from '../foreground/attendance.ts';
import type { Connected } from '../foreground/attended.ts';
import { type InheritanceOptions, type Inherited, inherit } from '../foreground/inheritance.ts';
import { ENDING } from '../foreground/interruptible.ts';

interface ExecRequest {
  readonly id: string;
  /** The process to start, valid. Asked for once the container's record is known. */
  readonly process: (record: ContainerRecord) => Process | Promise<Process>;
  readonly ignorePaused: boolean;
  /** Values of `--cgroup`. */
  readonly cgroups: readonly string[];
}

interface ExecOptions extends Omit<InheritanceOptions, 'terminal'> {
  /** `--pid-file`, absolute. */
  readonly pidFile?: string | undefined;
}

/**
 * Starts a process, and stands for it until it ends.
 * @returns the exit status of the process, 128 + n where signal n ended it; with `detach` 0, as soon as it runs
 * @throws Error of one line where it could not be started. No process is left then
 */
export async function execInContainer(context: Context, request: ExecRequest, options: ExecOptions): Promise<number> {
  const execution = await planned(context, request);
  return options.detach ? inBackground(execution, options) : inForeground(execution, options);
}

/**
 * Starts a process, and leaves it to the caller, whose child it is.
 * @param pidFile absolute
 * @returns its pid
 * @throws Error of one line where it could not be started. No process is left then
 */
export async function execUnattended(
  context: Context,
  request: ExecRequest,
  inheritance: Inheritance,
  pidFile?: string,
): Promise<Pid> {
  let pid: Pid = 0;
  const actor = await start(await planned(context, request), { inheritance }, { pidFile }, (own) => {
    pid = own;
  });
  actor.stop();
  return pid;
}

async function planned(context: Context, request: ExecRequest): Promise<Execution> {
  const record = await permitted(context, request.id, { type: 'exec', ignorePaused: request.ignorePaused });
  const process = grouped(record.config, await request.process(record));
  for (const warning of capabilityWarnings(process.capabilities ?? {})) context.warn(warning);
  const cgroup = record.cgroup === undefined ? undefined : execCgroup(record.cgroup, request.cgroups);
  return { context, record, process, cgroup };
}

interface Execution extends Omit<ExecPlan, 'filter'> {
  readonly context: Context;
}

async function inBackground(execution: Execution, options: ExecOptions): Promise<number> {
  const { context, process } = execution;
  const inherited = inherit(withoutSockets(context), { ...options, terminal: process.terminal ?? false });
  try {
    const actor = await start(execution, inherited, options, () => undefined);
    actor.stop();
    return 0;
  } finally {
    inherited.close();
  }
}

async function inForeground(execution: Execution, options: ExecOptions): Promise<number> {
  const { context, process } = execution;
  using undo = new DisposableStack();
  const foreground = enterForeground(
    withoutSockets(context),
    { ...options, terminal: process.terminal ?? false },
    undo,
  );
  let connected: Connected | undefined;
  const actor = await startUnlessEnded(execution, foreground.inherited, options, (pid) => {
    connected = foreground.connect(pid);
  });
  if (typeof actor === 'number') return 128 + actor;
  undo.defer(() => actor.stop());
  if (connected === undefined) throw new Error('a process runs that nobody is connected to');
  // As with runc, we go on carrying the output of what the process leaves running in the container, until that ends.
  // (With `run`, the deletion of the container ends it.)
  const status = await connected.attendance({ subreaper: false, awaitsWriters: true }).untilEnd();
  // The caller waits by itself, and nothing is left to do.
  if (status === undefined) return 0;
  actor.send({ type: 'exited', status });
  return status;
}

/**
 * A container that is frozen, or that hangs, can keep the process from joining it forever. A signal to the command ends
 * the wait.
 * @returns the signal that ended the command before the process ran; the process has been killed then
 */
async function startUnlessEnded(...given: Parameters<typeof start>): Promise<ExecActor | number> {
  const [{ context, record }] = given;
  const unwatch = context.platform.interruption?.watch(ENDING);
  try {
    return await start(...given);
  } catch (error) {
    const signal = interruptedBy(error)?.signal;
    if (signal === undefined) throw error;
    context.warn(
      `signal ${signal} came while a process joined container ${record.id}, which may be frozen: it was killed`,
    );
    return signal;
  } finally {
    unwatch?.();
  }
}

/** As with runc: the sockets that systemd passes to the command are for the container's first process alone. */
const withoutSockets = (context: Context): Context => ({ ...context, host: { ...context.host, env: {} } });

/**
 * @param connect called once there is a process, before it executes its program
 * @returns the actor of the process, which runs by then
 */
async function start(
  { context, record, process, cgroup }: Execution,
  { inheritance }: Pick<Inherited, 'inheritance'>,
  { pidFile }: Pick<ExecOptions, 'pidFile'>,
  connect: (pid: Pid) => void,
): Promise<ExecActor> {
  const session = sessionFor(context, record.id, { inheritance });
  let joined: JoinedProcess | undefined;
  let addToGroup: ((pid: Pid) => void) | undefined;
  const starting = async <T>(phase: 'joining' | 'executing', action: () => T | Promise<T>): Promise<T> => {
    try {
      return await doingSlowly(STARTING_PROCESS, async () => action(), { phase });
    } catch (error) {
      const { explainedError } = await import('../container/explained.ts');
      throw explainedError(session, record, error, process);
    }
  };
  const actor = createActor(
    execMachine({
      async join() {
        const filter = await filtersFor(session)(record);
        const attach = record.options.rootlessCgroups ? await attacherFor(session, record) : undefined;
        joined = await starting('joining', () => joinContainer(session, { record, process, cgroup, filter, attach }));
        addToGroup = await groupFor(session, record);
        return joined.pid;
      },
      async execute() {
        if (joined === undefined) return;
        const { pid } = joined;
        await starting('joining', () => addToGroup?.(pid));
        announce(context.platform.local, pid, { pidFile, pidfdSocket: inheritance.pidfdSocket }, 'setns');
        connect(pid);
        await starting('executing', joined.execute);
        joined.release();
      },
      end: () => joined?.end(),
    }),
    { id: `exec in ${record.id}`, ...(context.inspect === undefined ? {} : { inspect: context.inspect }) },
  );
  actor.start();
  const { error } = await settled(actor);
  if (error !== undefined) throw error;
  return actor;
}

/** What puts a process into the container's resctrl group; undefined where the container has none. */
async function groupFor({ platform: { local } }: Session, { resctrl }: ContainerRecord) {
  if (resctrl === undefined) return undefined;
  const { addExecToGroup } = await import('../../effects/resctrl/group.ts');
  return (pid: Pid): void => addExecToGroup(local, resctrl, pid);
}
