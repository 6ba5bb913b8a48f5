/** `exec` for a program that uses the library: the new process is a child of the program. */

import { takeMaster } from '../effects/foreground/terminal.ts';
import type { Inheritance } from '../effects/session.ts';
import { socketPair } from '../native/calls/pair.ts';
import { kill } from '../native/calls/process.ts';
import { Owned } from '../native/kernel/owned.ts';
import { call } from '../native/kernel/perform.ts';
import { execUnattended } from '../runtime/operations/exec.ts';
import { overriddenProcess } from '../runtime/operations/exec-process.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import type { Child } from './children.ts';
import type { LibraryContext } from './context.ts';
import { type Exit, exitOf } from './exit.ts';
import { type Signal, signalNumber } from './signals.ts';

export interface ExecOptions {
  /** The program, which is looked up in the container's PATH, and its arguments. */
  readonly args: readonly string[];
  /** `NAME=value`, added to the container's own. */
  readonly env?: readonly string[];
  /** By default the container's own. */
  readonly cwd?: string;
  /** By default the user of the container's process. `additionalGids` are added to that user's. */
  readonly user?: { readonly uid?: number; readonly gid?: number; readonly additionalGids?: readonly number[] };
  /** Added to those of the container's process: `CAP_NET_ADMIN`. */
  readonly capabilities?: readonly string[];
  readonly noNewPrivileges?: boolean;
  /** Descriptors of this process for standard input, output and error. By default 0, 1 and 2. */
  readonly stdio?: readonly [stdin: number, stdout: number, stderr: number];
  /** A terminal instead of `stdio`. Its size is in characters. */
  readonly terminal?: boolean | { readonly width: number; readonly height: number };
  /** Also in a container that is paused. There the process waits for `resume`. */
  readonly ignorePaused?: boolean;
}

export interface ExecProcess {
  /** As this process sees it. It is a child of this process: `wait` for it, or it stays a zombie. */
  readonly pid: number;
  /** With `terminal`: a descriptor of the terminal's master. Close it when you are done. */
  readonly terminal?: number;
  wait(): Promise<Exit>;
  /** @throws Error `process 123 has ended` */
  kill(signal?: Signal): void;
}

export async function execProcess(context: LibraryContext, id: string, options: ExecOptions): Promise<ExecProcess> {
  const { stdio = [0, 1, 2], terminal = false } = options;
  const start = async (inheritance: Inheritance): Promise<ExecProcess> => {
    const request = {
      id,
      ignorePaused: options.ignorePaused ?? false,
      cgroups: [],
      process: (record: ContainerRecord) => requestedProcess(record, options),
    };
    const child = context.children.adopt(await execUnattended(context, request, inheritance));
    context.hub.followExec(id, child.pid, child.ended.then(exitOf));
    return processOf(context, child);
  };
  if (terminal === false) return start({ stdio, preserveFds: 0 });
  const { local } = context.platform;
  const [ours, theirs] = socketPair(local);
  using console = new Owned(local, ours);
  using consoleSocket = new Owned(local, theirs);
  const process = await start({ stdio, preserveFds: 0, consoleSocket: consoleSocket.fd });
  return { ...process, terminal: takeMaster(local, console.fd) };
}

function requestedProcess(record: ContainerRecord, options: ExecOptions): Process {
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

function processOf({ platform: { local } }: LibraryContext, child: Child): ExecProcess {
  return {
    pid: child.pid,
    wait: async () => exitOf(await child.exited()),
    kill(signal = 'SIGTERM') {
      if (!child.unreaped) throw new Error(`process ${child.pid} has ended`);
      call(local, kill(child.pid, signalNumber(signal)));
    },
  };
}
