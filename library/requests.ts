/** The requests to one container in the hands of a program, and what is kept of it between them. */

import type { Request } from '../machines/events.ts';
import { needsLock } from '../machines/rules.ts';
import { succeed } from '../runtime/container/answers.ts';
import type { Container } from '../runtime/container/container.ts';
import { openExisting, optionsFor } from '../runtime/container/open.ts';
import { deleteContainer } from '../runtime/operations/delete.ts';
import type { LibraryContext } from './context.ts';
import type { ContainerId } from './id.ts';

export class Requests {
  /** Who is to be told when the container's process is ready: sd_notify(3). */
  notifySocket: string | undefined;
  readonly #context: LibraryContext;
  readonly #id: ContainerId;
  /**
   * The container as the last request left it, at rest. As long as nobody else changes it, it need not be opened anew.
   */
  #last: Container | undefined;

  constructor(context: LibraryContext, id: ContainerId) {
    this.#context = context;
    this.#id = id;
  }

  send(request: Request): Promise<void> {
    // A start takes its time, as a creation does.
    return request.type === 'start' ? this.#context.turns.work(() => this.#send(request)) : this.#send(request);
  }

  delete(force: boolean): Promise<void> {
    return this.#context.turns.work(() => this.#delete(force));
  }

  async #send(request: Request): Promise<void> {
    const last = needsLock(request.type) ? await this.#reacquired() : undefined;
    await this.#serve(last ?? (await openExisting(this.#context, this.#id, request.type)), request);
  }

  async #delete(force: boolean): Promise<void> {
    const last = force ? undefined : await this.#reacquired();
    if (last !== undefined) return this.#serve(last, { type: 'delete', force });
    succeed(this.#context, await deleteContainer(optionsFor(this.#context, this.#id), force));
  }

  /** Starts the container. What its process says to be ready goes on to whoever is to be told. */
  async begin(container: Container): Promise<void> {
    const context = this.#context;
    const address = this.notifySocket;
    const notifier =
      address === undefined
        ? undefined
        : (await import('../runtime/foreground/notify.ts')).openNotifier(context, container, address);
    try {
      succeed(context, await container.request({ type: 'start' }));
    } catch (error) {
      notifier?.close();
      throw error;
    }
    void notifier
      ?.forward()
      .catch((error: unknown) => context.warn(error instanceof Error ? error.message : String(error)))
      .finally(() => notifier.close());
  }

  /** Keeps a container for the next request, or closes it. */
  keep(container: Container): void {
    if (container.status === undefined || !container.locked || this.#last !== undefined) container.close();
    else {
      container.rest();
      this.#last = container;
    }
  }

  async #serve(container: Container, request: Request): Promise<void> {
    try {
      if (request.type === 'start') await this.begin(container);
      else succeed(this.#context, await container.request(request));
    } finally {
      this.keep(container);
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
}
