/** A container in the hands of a program. */

import type { Request } from '../machines/events.ts';
import { needsLock } from '../machines/rules.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import { succeed } from '../runtime/container/answers.ts';
import type { Container, LifecycleChange } from '../runtime/container/container.ts';
import { observe } from '../runtime/container/observe.ts';
import { openExisting, optionsFor } from '../runtime/container/open.ts';
import { deleteContainer } from '../runtime/operations/delete.ts';
import { lookAt } from '../runtime/store/look.ts';
import type { Child } from './children.ts';
import type { LibraryContext } from './context.ts';
import { type ExecOptions, type ExecProcess, execProcess } from './exec.ts';
import { type Exit, exitOf, type SignalName } from './exit.ts';
import { type ContainerState, containerStateOf } from './state.ts';

type Listener = (change: LifecycleChange) => void;

/** Adds a listener to the changes of every container of a runtime. @returns what removes it again */
export type Subscribe = (listener: Listener) => () => void;

export class RunchartContainer {
  readonly id: string;
  readonly #context: LibraryContext;
  readonly #subscribe: Subscribe;
  /** Set where this process created the container: then the init is its child. */
  #init: Child | undefined;
  /**
   * The container as the last request left it, at rest. As long as nobody else changes it, it need not be opened anew.
   */
  #last: Container | undefined;

  /** @internal `openRuntime` makes them */
  constructor(context: LibraryContext, subscribe: Subscribe, id: string) {
    this.#context = context;
    this.#subscribe = subscribe;
    this.id = id;
  }

  /** @internal takes over a container that was just created, and lets go of its lock */
  adopt(created: Container): void {
    const { init } = created.record;
    this.#init = init && this.#context.children.adopt(init.pid);
    this.#keep(created);
  }

  /** @throws StoreError `container does not exist` */
  async state(): Promise<ContainerState> {
    const { platform, root } = this.#context;
    const look = {
      kernel: platform.local,
      root,
      observe: (record: Parameters<typeof observe>[1]) => observe(platform, record),
    };
    const { record, status } = await lookAt(look, this.id);
    return containerStateOf(record, status);
  }

  /**
   * Runs the container's program.
   * @throws Error of one line. A container whose program could not be executed is stopped then
   */
  start(): Promise<void> {
    return this.#request({ type: 'start' });
  }

  /** Freezes every process of the container. */
  pause(): Promise<void> {
    return this.#request({ type: 'pause' });
  }

  resume(): Promise<void> {
    return this.#request({ type: 'resume' });
  }

  /** Sends a signal to the container's init, or to `all` of its processes. */
  kill(signal: SignalName = 'SIGTERM', { all = false } = {}): Promise<void> {
    return this.#request({ type: 'kill', signal: SIGNALS[signal], all });
  }

  /** Removes a stopped container. With `force` removes any, running or damaged, and does not mind if there is none. */
  async delete({ force = false } = {}): Promise<void> {
    const last = force ? undefined : await this.#reacquired();
    if (last !== undefined) return this.#serve(last, { type: 'delete', force });
    succeed(this.#context, await deleteContainer(optionsFor(this.#context, this.id), force));
  }

  /**
   * Waits for the end of the container's process, which is a child of the process that created it. This also works
   * after `delete`.
   * @throws Error where another process created the container
   */
  async wait(): Promise<Exit> {
    if (this.#init === undefined)
      throw new Error(`container ${this.id} was not created by this process, which cannot learn how it ends`);
    return exitOf(await this.#init.exited());
  }

  /**
   * Starts another process in the container, running or only created.
   * @throws Error of one line where it could not be started. No process is left then
   */
  exec(options: ExecOptions): Promise<ExecProcess> {
    return execProcess(this.#context, this.id, options);
  }

  /** Hears of every state that requests of this runtime bring the container to. @returns what ends the subscription */
  subscribe(listener: Listener): () => void {
    return this.#subscribe((change) => {
      if (change.id === this.id) listener(change);
    });
  }

  async #request(request: Request): Promise<void> {
    const last = needsLock(request.type) ? await this.#reacquired() : undefined;
    await this.#serve(last ?? (await openExisting(this.#context, this.id, request.type)), request);
  }

  async #serve(container: Container, request: Request): Promise<void> {
    try {
      succeed(this.#context, await container.request(request));
    } finally {
      this.#keep(container);
    }
  }

  /**
   * The container as the last request left it, locked again.
   * @returns undefined where it has to be opened anew: it changed, or another request is under way
   */
  async #reacquired(): Promise<Container | undefined> {
    const last = this.#last;
    this.#last = undefined;
    if (last === undefined) return undefined;
    try {
      if (await last.reacquire()) return last;
    } catch (error) {
      last.close();
      throw error;
    }
    last.close();
    return undefined;
  }

  #keep(container: Container): void {
    if (container.status === undefined || !container.locked || this.#last !== undefined) container.close();
    else {
      container.rest();
      this.#last = container;
    }
  }
}
