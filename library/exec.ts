/** `exec` for a program that uses the library: the process is its child. */

import { takeMaster } from '../effects/foreground/terminal.ts';
import type { Inheritance } from '../effects/session.ts';
import { close } from '../native/calls/files.ts';
import { socketPair } from '../native/calls/pair.ts';
import { kill } from '../native/calls/process.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import { attempt, call } from '../native/kernel/perform.ts';
import type { Child } from '../runtime/container/children.ts';
import type { SharedContext } from '../runtime/container/context.ts';
import { startProcess } from '../runtime/operations/exec.ts';
import { overriddenProcess } from '../runtime/operations/exec-process.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import { type Exit, exitOf, type SignalName } from './exit.ts';

export interface ExecOptions {
  /** The program, searched for in the container's PATH, and its arguments. */
  readonly args: readonly string[];
  /** `NAME=value`, after the container's own. */
  readonly env?: readonly string[];
  /** By default the container's own. */
  readonly cwd?: string;
  /** By default the container's own; `additionalGids` are added to its. */
  readonly user?: { readonly uid?: number; readonly gid?: number; readonly additionalGids?: readonly number[] };
  /** Added to the container's own: `CAP_NET_ADMIN`. */
  readonly capabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Descriptors of this process for standard input, output and error; its own by default. */
  readonly stdio?: readonly [stdin: number, stdout: number, stderr: number];
  /** A terminal instead, with a size in characters. */
  readonly terminal?: boolean | { readonly width: number; readonly height: number };
  /** Also in a container that is paused: it waits there for `resume`. */
  readonly ignorePaused?: boolean;
}

export interface ExecProcess {
  /** As this process sees it. It is a child of this one: `wait` for it, or it stays a zombie. */
  readonly pid: number;
  /** With `terminal`: a descriptor of the terminal's master. Whoever asked for it closes it. */
  readonly terminal?: number;
  wait(): Promise<Exit>;
  /** @throws Error `process 123 has ended` */
  kill(signal?: SignalName): void;
}

export async function execInContainer(context: SharedContext, id: string, options: ExecOptions): Promise<ExecProcess> {
  const { local } = context.platform;
  const { stdio = [0, 1, 2], terminal = false, ignorePaused = false } = options;
  const console = terminal === false ? undefined : consolePair(context);
  const inheritance: Inheritance = {
    stdio,
    preserveFds: 0,
    ...(console === undefined ? {} : { consoleSocket: console.theirs }),
  };
  try {
    const request = { id, ignorePaused, cgroups: [], process: (record: ContainerRecord) => processOf(record, options) };
    const child = context.shared.children.adopt(await startProcess(context, request, inheritance));
    return {
      ...processBy(context, child),
      ...(console === undefined ? {} : { terminal: takeMaster(local, console.ours) }),
    };
  } finally {
    if (console !== undefined) for (const fd of [console.ours, console.theirs]) attempt(local, close(fd));
  }
}

function consolePair({ platform: { local } }: SharedContext): { readonly ours: number; readonly theirs: number } {
  const [ours, theirs] = socketPair(local);
  return { ours, theirs };
}

function processOf(record: ContainerRecord, options: ExecOptions): Process {
  const { args, env, cwd, capabilities, noNewPrivileges, terminal = false } = options;
  const { uid, gid, additionalGids } = options.user ?? {};
  const process = overriddenProcess(record, {
    args,
    env,
    cwd,
    capabilities,
    noNewPrivileges,
    terminal: terminal !== false,
    user: `${uid ?? ''}${gid === undefined ? '' : `:${gid}`}`,
    additionalGids,
  });
  return typeof terminal === 'object' ? { ...process, consoleSize: terminal } : process;
}

function processBy({ platform: { local } }: SharedContext, child: Child): ExecProcess {
  return {
    pid: child.pid,
    wait: async () => exitOf(await child.exited()),
    kill(signal = 'SIGTERM') {
      if (!child.unreaped) throw new Error(`process ${child.pid} has ended`);
      call(local, kill(child.pid, SIGNALS[signal]));
    },
  };
}
