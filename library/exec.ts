/** `exec` for a program that uses the library: another process in a container, which is a child of the program. */

import { isFrozen } from '../effects/cgroups/freeze.ts';
import { oomKills } from '../effects/cgroups/oom-kills.ts';
import { execUnattended } from '../runtime/operations/exec.ts';
import { overriddenProcess } from '../runtime/operations/exec-process.ts';
import type { CgroupRecord, ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import { abortable } from './abort.ts';
import type { Child } from './children.ts';
import type { LibraryContext } from './context.ts';
import { exitOf } from './exit.ts';
import { ContainerProcess, type Maker, type ProcessOptions } from './process.ts';
import type { Given } from './streams/given.ts';

export interface ExecOptions extends ProcessOptions {
  /** The program, which is looked up in the container's PATH, and its arguments. */
  readonly args: readonly string[];
  /** By name, or as `NAME=value`: added to the container's own. */
  readonly env?: Readonly<Record<string, string>> | readonly string[] | undefined;
  /** By default the container's own. */
  readonly cwd?: string | undefined;
  /** By default the user of the container's process. `additionalGids` are added to that user's. */
  readonly user?: { readonly uid?: number; readonly gid?: number; readonly additionalGids?: readonly number[] };
  /** Added to those of the container's process: `CAP_NET_ADMIN`. */
  readonly capabilities?: readonly string[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  /** Also in a container that is paused. There the process waits for `resume`. */
  readonly ignorePaused?: boolean | undefined;
}

/** Begins to start a process. What goes wrong is told by what it returns. */
export const execProcess = (context: LibraryContext, id: string, options: ExecOptions): ContainerProcess =>
  new ContainerProcess(context, options, maker(context, id, options));

function maker(context: LibraryContext, id: string, options: ExecOptions): Maker {
  const { local } = context.platform;
  let cgroup: CgroupRecord | undefined;
  let killsBefore = 0;
  const kills = (): number => (cgroup === undefined ? 0 : oomKills(local, cgroup));
  return {
    id,
    holdsProgram: false,
    make: (given, signal) => context.turns.work(() => start(given, signal), signal),
    end: async () => kills() > killsBefore,
  };

  async function start(given: Given, signal: AbortSignal | undefined): Promise<Child> {
    const own = abortable(context, signal);
    const request = {
      id,
      ignorePaused: options.ignorePaused ?? false,
      cgroups: [],
      async process(record: ContainerRecord) {
        ({ cgroup } = record);
        if (options.ignorePaused && cgroup !== undefined) await untilThawed(own.context, cgroup);
        return requestedProcess(record, options);
      },
    };
    const pid = await execUnattended(own.context, request, given.inheritance, given.pidFile);
    own.settle();
    const child = context.children.adopt(pid);
    context.hub.followExec(id, pid, child.ended.then(exitOf));
    killsBefore = kills();
    return child;
  }
}

/** How often to look whether a container goes on: nobody tells on cgroup v1. */
const LOOK_EVERY_MS = 20;

/** A stage that joins a frozen cgroup freezes, and with it the engine that waits for its answer. */
async function untilThawed({ platform }: LibraryContext, cgroup: CgroupRecord): Promise<void> {
  while (isFrozen(platform.local, cgroup)) await platform.poll([], LOOK_EVERY_MS);
}

function requestedProcess(record: ContainerRecord, options: ExecOptions): Process {
  const { args, env = [], cwd, capabilities, noNewPrivileges, terminal = false } = options;
  const { uid, gid, additionalGids } = options.user ?? {};
  const process = overriddenProcess(record, {
    args,
    env: isList(env) ? env : Object.entries(env).map(([name, value]) => `${name}=${value}`),
    cwd,
    capabilities,
    noNewPrivileges,
    terminal: terminal !== false,
    user: `${uid ?? ''}${gid === undefined ? '' : `:${gid}`}`,
    additionalGids,
  });
  return typeof terminal === 'object' ? { ...process, consoleSize: terminal } : process;
}

const isList = (env: NonNullable<ExecOptions['env']>): env is readonly string[] => Array.isArray(env);
