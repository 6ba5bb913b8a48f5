/** Makes a container, runs its program to the end, and deletes the container. */

import { randomBytes } from 'node:crypto';
import { oomKills } from '../effects/cgroups/oom-kills.ts';
import { announce } from '../runtime/foreground/announce.ts';
import { createContainer } from '../runtime/operations/create.ts';
import type { CgroupRecord } from '../spec/record.ts';
import { abortable } from './abort.ts';
import type { Child } from './children.ts';
import { type ContainerSource, configOf } from './config-of.ts';
import { RunchartContainer } from './container.ts';
import type { LibraryContext } from './context.ts';
import { type MakingOptions, makingOptions, withTerminal } from './create.ts';
import { ContainerNotFoundError } from './errors.ts';
import { containerId } from './id.ts';
import { ContainerProcess, type Maker, type ProcessOptions } from './process.ts';
import type { Given } from './streams/given.ts';

export type RunOptions = ContainerSource &
  ProcessOptions &
  MakingOptions & {
    /** By default one is made up. */
    readonly id?: string | undefined;
  };

/** Begins to make a container. What goes wrong is told by what it returns. */
export function run(context: LibraryContext, options: RunOptions): ContainerProcess {
  const id = options.id ?? `run-${context.host.pid}-${randomBytes(4).toString('hex')}`;
  return new ContainerProcess(context, options, new Run(context, options, id));
}

class Run implements Maker {
  readonly id: string;
  readonly holdsProgram = true;
  readonly #context: LibraryContext;
  readonly #options: RunOptions;
  #container: RunchartContainer | undefined;
  #cgroup: CgroupRecord | undefined;

  constructor(context: LibraryContext, options: RunOptions, id: string) {
    this.id = id;
    this.#context = context;
    this.#options = options;
  }

  make(given: Given, signal: AbortSignal | undefined): Promise<Child> {
    return this.#context.turns.work(() => this.#make(given, signal), signal);
  }

  async #make(given: Given, signal: AbortSignal | undefined): Promise<Child> {
    const context = this.#context;
    const options = this.#options;
    const id = containerId(this.id);
    const planned = await configOf(context, options);
    const own = abortable(context, signal);
    const created = await createContainer(own.context, {
      id,
      ...withTerminal(planned, options.terminal ?? false),
      ...makingOptions(options),
      inheritance: given.inheritance,
      startsAtOnce: true,
    });
    this.#cgroup = created.record.cgroup;
    const container = new RunchartContainer(context, id);
    this.#container = container;
    try {
      const tell = (pid: number): void =>
        announce(context.platform.local, pid, { pidFile: given.pidFile, pidfdSocket: given.inheritance.pidfdSocket });
      return await container.begin(created, tell, options.notifySocket);
    } catch (error) {
      await container.delete({ force: true });
      throw error;
    } finally {
      own.settle();
    }
  }

  async end(): Promise<boolean> {
    const outOfMemory = this.#cgroup !== undefined && oomKills(this.#context.platform.local, this.#cgroup) > 0;
    try {
      await this.#container?.delete();
    } catch (error) {
      // Somebody may have deleted it, or have asked something else of it meanwhile.
      if (!(error instanceof ContainerNotFoundError)) await this.#container?.delete({ force: true });
    }
    return outOfMemory;
  }
}
