/** One container in the hands of a program. */

import type { Request } from '../machines/events.ts';
import { needsLock } from '../machines/rules.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import { succeed } from '../runtime/container/answers.ts';
import type { Child } from '../runtime/container/children.ts';
import type { Container, LifecycleChange } from '../runtime/container/container.ts';
import type { SharedContext } from '../runtime/container/context.ts';
import { observe } from '../runtime/container/observe.ts';
import { openExisting, optionsFor } from '../runtime/container/open.ts';
import { deleteContainer } from '../runtime/operations/delete.ts';
import { lookAt } from '../runtime/store/look.ts';
import { type ExecOptions, type ExecProcess, execInContainer } from './exec.ts';
import { type Exit, exitOf, type SignalName } from './exit.ts';
import { type ContainerState, stateOf } from './state.ts';

type Listener = (change: LifecycleChange) => void;

/** Adds a listener to the changes of every container of a runtime; what it answers takes it away again. */
export type Subscribe = (listener: Listener) => () => void;

export class RunchartContainer {
  readonly id: string;
  readonly #context: SharedContext;
  readonly #subscribe: Subscribe;
  /** Known for containers that this process created: the init is its child. */
  #init: Child | undefined;
  /** As the last request left it, resting: it need not be opened anew while nobody else has changed it. */
  #last: Container | undefined;

  /** @internal `openRuntime` makes them */
  constructor(context: SharedContext, subscribe: Subscribe, id: string) {
    this.#context = context;
    this.#subscribe = subscribe;
    this.id = id;
  }

  /** @internal takes note of what was just created, and lets go of its lock */
  adopt(created: Container): void {
    const { init } = created.record;
    this.#init = init && this.#context.shared.children.adopt(init.pid);
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
    return stateOf(record, status);
  }

  /** Runs the container's program. @throws Error of one line; the container is stopped when its program could not be executed */
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

  /** Removes a stopped container; with `force` any, running or damaged, or none at all. */
  async delete({ force = false } = {}): Promise<void> {
    const last = force ? undefined : await this.#reacquired();
    if (last !== undefined) return this.#serve(last, { type: 'delete', force });
    succeed(this.#context, await deleteContainer(optionsFor(this.#context, this.id), force));
  }

  /**
   * Waits for the end of the container's process, which is a child of the process that created it. A `delete` takes nothing away.
   * @throws Error when another process created the container
   */
  async wait(): Promise<Exit> {
    if (this.#init === undefined)
      throw new Error(`container ${this.id} was not created by this process, which cannot learn how it ends`);
    return exitOf(await this.#init.exited());
  }

  /**
   * Starts another process in the container, running or only created.
   * @throws Error of one line where it did not come to run; no process is left then
   */
  exec(options: ExecOptions): Promise<ExecProcess> {
    return execInContainer(this.#context, this.id, options);
  }

  /** Hears of every state that requests of this runtime lead the container through. @returns ends the subscription */
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

  /** The container as it was left, with its lock. @returns undefined where it is to be opened anew: it changed, or another request is under way */
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
