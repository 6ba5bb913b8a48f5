/** One container in the hands of a program. */

import { openInit } from '../effects/observe.ts';
import type { Request } from '../machines/events.ts';
import { close } from '../native/calls/files.ts';
import { SIGINFO_BYTES, waitid } from '../native/calls/process.ts';
import { P, W } from '../native/constants/process.ts';
import { SIGNALS } from '../native/constants/signal.ts';
import { POLL } from '../native/constants/socket.ts';
import { attempt } from '../native/perform.ts';
import { out, viewOf } from '../native/struct.ts';
import type { InitRecord } from '../spec/record.ts';
import { succeed } from './answers.ts';
import type { Access, Container, LifecycleChange } from './container.ts';
import type { Context } from './context.ts';
import { deleteContainer } from './delete.ts';
import { type ContainerState, stateOf } from './library-state.ts';
import { lookAt } from './look.ts';
import { observe } from './observe.ts';
import { openExisting, optionsFor } from './open.ts';

/** How a container's process ended. */
export interface Exit {
  /** 0 to 255; 128 and the signal's number where a signal ended it. */
  readonly status: number;
  /** The signal that ended it. */
  readonly signal?: keyof typeof SIGNALS;
}

type Listener = (change: LifecycleChange) => void;

/** Adds a listener to the changes of every container of a runtime; what it answers takes it away again. */
export type Subscribe = (listener: Listener) => () => void;

const CLD_EXITED = 1;

export class RunchartContainer {
  readonly id: string;
  readonly #context: Context;
  readonly #subscribe: Subscribe;
  /** Known for containers that this process created: the init is its child. */
  #init: InitRecord | undefined;
  /** As the last request left it, resting: it need not be opened anew while nobody else has changed it. */
  #last: Container | undefined;

  /** @internal `openRuntime` makes them */
  constructor(context: Context, subscribe: Subscribe, id: string) {
    this.#context = context;
    this.#subscribe = subscribe;
    this.id = id;
  }

  /** @internal takes note of what was just created, and lets go of its lock */
  adopt(created: Container): void {
    this.#init = created.record.init;
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
  kill(signal: keyof typeof SIGNALS = 'SIGTERM', { all = false } = {}): Promise<void> {
    return this.#request({ type: 'kill', signal: SIGNALS[signal], all }, 'shared');
  }

  /** Removes a stopped container; with `force` any, running or damaged, or none at all. */
  async delete({ force = false } = {}): Promise<void> {
    const last = force ? undefined : await this.#reacquired();
    if (last !== undefined) return this.#serve(last, { type: 'delete', force });
    succeed(this.#context, await deleteContainer(optionsFor(this.#context, this.id), force));
  }

  /**
   * Waits for the end of the container's process. Its exit is told to the process that created it, once.
   * @throws Error when another process created the container
   */
  async wait(): Promise<Exit> {
    const { platform } = this.#context;
    const { local } = platform;
    const init = this.#init;
    if (init === undefined)
      throw new Error(`container ${this.id} was not created by this process, which cannot learn how it ends`);
    const pidfd = openInit(local, init);
    if (pidfd === undefined) throw new Error(`container ${this.id} has ended and been waited for`);
    try {
      await platform.poll([{ fd: pidfd, events: POLL.IN }]);
      const info = out(SIGINFO_BYTES);
      if (attempt(local, waitid(P.PIDFD, pidfd, info, W.EXITED)) < 0)
        throw new Error(`container ${this.id} has ended and been waited for`);
      return exitIn(info.bytes);
    } finally {
      attempt(local, close(pidfd));
    }
  }

  /** Hears of every state that requests of this runtime lead the container through. @returns ends the subscription */
  subscribe(listener: Listener): () => void {
    return this.#subscribe((change) => {
      if (change.id === this.id) listener(change);
    });
  }

  async #request(request: Request, access: Access = 'exclusive'): Promise<void> {
    const last = access === 'exclusive' ? await this.#reacquired() : undefined;
    await this.#serve(last ?? (await openExisting(this.#context, this.id, access)), request);
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

/** siginfo_t of a child: the code at byte 8, its status or signal at 24 (sigaction(2)). */
function exitIn(info: Uint8Array): Exit {
  const view = viewOf(info);
  const status = view.getInt32(24, true);
  if (view.getInt32(8, true) === CLD_EXITED) return { status };
  const name = Object.entries(SIGNALS).find(([, number]) => number === status)?.[0];
  return { status: 128 + status, ...(isSignal(name) ? { signal: name } : {}) };
}

const isSignal = (name: string | undefined): name is keyof typeof SIGNALS => name !== undefined && name in SIGNALS;
