/** `exec`: another process in a running container, in its cgroup and namespaces, by the same means as its init. */

import { close, closeRange, openat } from '../native/calls/files.ts';
import { chroot } from '../native/calls/mounts.ts';
import { setns, setsid } from '../native/calls/process.ts';
import { AT, O } from '../native/constants/files.ts';
import type { Kernel } from '../native/kernel.ts';
import { attempt, call, perform, SyscallError } from '../native/perform.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import { EffectError } from './error.ts';
import { NAMESPACE_FLAGS } from './namespaces.ts';
import { openInit } from './observe.ts';
import { PartedBatch } from './parted-batch.ts';
import { executeProcess, planExecution } from './process/execute.ts';
import { addLimits, restoreOpenFilesLimit } from './process/limits.ts';
import { giveTerminal } from './process/terminal.ts';
import { extraDescriptor, type ServedProcess, startServedProcess } from './served-process.ts';
import type { Session } from './session.ts';

/** The extra descriptors of the process, in this order. */
const INIT = 0;
const ROOT = 1;
const CONSOLE = 2;

export interface ExecOptions {
  /** Moves the stage into the container's cgroup. @throws Error */
  readonly enterCgroup: (stage: Kernel) => void;
  /** Loads the container's seccomp filter. */
  readonly filter: (
    kernel: Kernel,
    pid: number,
  ) => { readonly calls: Parameters<typeof executeProcess>[2]['filter']; release(): void };
}

/**
 * Starts the process and executes its program.
 * @returns its pid: a child of this process
 * @throws EffectError in the words that engines know; no process is left then
 */
export function execInContainer(
  session: Session,
  record: ContainerRecord,
  process: Process,
  options: ExecOptions,
): number {
  const { platform, inheritance } = session;
  const { local } = platform;
  const init = record.init === undefined ? undefined : openInit(local, record.init);
  if (init === undefined || record.init === undefined) throw new EffectError('container not running');
  let root: number | undefined;
  try {
    root = call(local, openat(AT.FDCWD, `/proc/${record.init.pid}/root`, O.PATH | O.DIRECTORY));
    const served = startServedProcess(platform, 'exec', {
      inheritance,
      extra: [init, root, ...(inheritance.consoleSocket === undefined ? [] : [inheritance.consoleSocket])],
      enterCgroup: options.enterCgroup,
      addJoins: (batch, extra) => addJoin(batch, record, extra(INIT)),
      madeNamespaces: 0,
    });
    try {
      become(session, served, process, options);
      return served.pid;
    } finally {
      // Where it did not execute its program, this ends it.
      attempt(local, close(served.socket));
    }
  } finally {
    for (const fd of [init, root]) if (fd !== undefined) attempt(local, close(fd));
  }
}

/** By the init's pidfd: all of its namespaces at once, and of nobody who has its pid by now. */
function addJoin(batch: PartedBatch, { config }: ContainerRecord, init: number): void {
  const flags = (config.linux?.namespaces ?? []).reduce((all, { type }) => all | NAMESPACE_FLAGS[type], 0);
  if (flags !== 0) batch.add(setns(init, flags));
  batch.part("join the container's namespaces");
}

function become(session: Session, { kernel, pid }: ServedProcess, process: Process, options: ExecOptions): void {
  const { preserveFds, consoleSocket, openFilesLimit } = session.inheritance;
  const extra = (index: number) => extraDescriptor(preserveFds, index);
  enter(kernel, extra(ROOT));
  perform(kernel, [
    close(extra(INIT)),
    close(extra(ROOT)),
    closeRange(extra(consoleSocket === undefined ? CONSOLE : CONSOLE + 1), 0x7fffffff),
    setsid(),
  ]);
  if (process.terminal && consoleSocket !== undefined)
    giveTerminal(kernel, { consoleSocket: extra(CONSOLE), size: process.consoleSize, console: false });
  const limits = new PartedBatch();
  addLimits(limits, process);
  limits.perform(kernel);
  restoreOpenFilesLimit(kernel, process, openFilesLimit);
  const execution = planExecution(kernel, process);
  const filter = options.filter(kernel, pid);
  try {
    executeProcess(kernel, execution, { preserveFds, filter: filter.calls ?? [] });
  } finally {
    filter.release();
  }
}

/** setns(2) leads to the root of the mount namespace, which is not the container's where it was entered by chroot. */
function enter(kernel: Kernel, root: number): void {
  const { results, stoppedAt } = kernel.submit([{ name: 'fchdir', args: [root] }, chroot('.')]);
  if (stoppedAt !== undefined)
    throw new EffectError(
      `enter the container's root: ${new SyscallError(chroot('.'), -(results[stoppedAt] ?? 0)).message}`,
    );
}
