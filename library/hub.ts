/** Tells the listeners of a runtime what becomes of its containers. */

import type { LifecycleChange } from '../runtime/container/container.ts';
import { type ContainerEvent, eventOf, isOfTheLiving, isRepeated, LAST } from './events.ts';
import type { Exit } from './exit.ts';

export type Listener = (event: ContainerEvent) => void;

/** Ends a subscription. It can be used with `using`. */
export interface Unsubscribe extends Disposable {
  (): void;
}

export class Hub {
  readonly #listeners = new Set<Listener>();
  /** What was told last of each container's states, until it is gone. */
  readonly #last = new Map<string, ContainerEvent>();
  /** The containers whose process is a child of ours: what became of it is told when we know how it ended. */
  readonly #followed = new Map<string, Promise<void>>();

  subscribe(listener: Listener): Unsubscribe {
    // An object of its own, so that one function may listen twice.
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    const end = (): void => {
      this.#listeners.delete(own);
    };
    return Object.assign(end, { [Symbol.dispose]: end });
  }

  /** Hears of a change of a container's machine. Several machines of one container may tell of the same state. */
  readonly changed = (change: LifecycleChange): void => {
    const event = eventOf(change);
    if (event === undefined) return;
    const followed = this.#followed.get(event.id);
    if (followed === undefined) this.#tellState(event);
    // Its end will say how it ended, and comes before what follows from it.
    else if (event.type === 'deleted') void followed.then(() => this.#tellState(event));
    else if (event.type !== 'stopped') this.#tellState(event);
  };

  /**
   * Tells the end of a container's process, once it is known.
   * @param exited of the process; rejected where nobody can know how it ended
   */
  follow(id: string, exited: Promise<Exit>): void {
    const followed: Promise<void> = exited
      .then(
        (exit) => this.#tellState({ type: 'stopped', id, exit }),
        () => this.#tellState({ type: 'stopped', id }),
      )
      .finally(() => {
        if (this.#followed.get(id) === followed) this.#followed.delete(id);
      });
    this.#followed.set(id, followed);
  }

  /** Tells of a process that `exec` has started. */
  followExec(id: string, pid: number, exited: Promise<Exit>): void {
    this.#tell({ type: 'exec', id, pid });
    void exited.then(
      (exit) => this.#tell({ type: 'exited', id, pid, exit }),
      () => undefined,
    );
  }

  #tellState(event: ContainerEvent): void {
    const last = this.#last.get(event.id);
    if (isRepeated(last, event) || (last?.type === 'stopped' && isOfTheLiving(event))) return;
    if (LAST.includes(event.type)) this.#last.delete(event.id);
    else this.#last.set(event.id, event);
    this.#tell(event);
  }

  #tell(event: ContainerEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A listener that fails is none of the container's business: it fails the program, as an event emitter's does.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
