/** What a container uses: once, or at intervals. */

import type { ContainerStats } from '../effects/cgroups/stats/types.ts';
import { watchEvents } from '../runtime/operations/events.ts';
import type { LibraryContext } from './context.ts';
import { InvalidArgumentError } from './errors.ts';
import { telling } from './telling.ts';

/** What `container.events()` tells. */
export type UsageEvent =
  | { readonly type: 'stats'; readonly id: string; readonly stats: ContainerStats }
  /** The kernel has ended a process of the container for lack of memory, or is about to. */
  | { readonly type: 'oom'; readonly id: string };

export interface EventsOptions {
  /** Milliseconds between two measurements. 5000 by default. */
  readonly intervalMs?: number;
  /** Ends the events: the loop throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const INTERVAL_MS = 5000;

/** @throws WrongStateError, OperationError (without a cgroup nothing can be measured) */
export async function statsOf(context: LibraryContext, id: string): Promise<ContainerStats> {
  let stats: ContainerStats | undefined;
  await watchEvents(context, id, { interval: INTERVAL_MS, statsOnly: true }, (event) => {
    if (event.type === 'stats') stats = event.data;
  });
  if (stats === undefined) throw new Error('the container could not be measured');
  return stats;
}

/** Begins to watch when it is first asked for an event, and ends with the container, or with the loop. */
export class UsageEvents implements AsyncIterableIterator<UsageEvent> {
  readonly #context: LibraryContext;
  readonly #id: string;
  readonly #interval: number;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  readonly #waiting: UsageEvent[] = [];
  #watch: Promise<void> | undefined;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(context: LibraryContext, id: string, { intervalMs = INTERVAL_MS, signal }: EventsOptions) {
    this.#context = context;
    this.#id = id;
    this.#interval = intervalMs;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<UsageEvent>> {
    return telling({ id: this.#id, signal: this.#signal }, async () => {
      this.#watch ??= this.#begin();
      while (this.#waiting.length === 0 && !this.#isOver)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const value = this.#waiting.shift();
      if (value !== undefined) return { done: false, value };
      // It throws what ended the watch, once.
      const watch = this.#watch;
      this.#watch = Promise.resolve();
      await watch;
      return { done: true, value: undefined };
    });
  }

  async return(): Promise<IteratorResult<UsageEvent>> {
    this.#stop.abort();
    this.#isOver = true;
    await this.#watch?.catch(() => undefined);
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #begin(): Promise<void> {
    if (!Number.isFinite(this.#interval) || this.#interval <= 0)
      throw new InvalidArgumentError(`intervalMs must be more than 0, not ${this.#interval}`);
    const signals = [this.#stop.signal, ...(this.#signal === undefined ? [] : [this.#signal])];
    const options = { interval: this.#interval, statsOnly: false, signal: AbortSignal.any(signals) };
    const watch = watchEvents(this.#context, this.#id, options, (event) =>
      this.#hear(
        event.type === 'stats' ? { type: 'stats', id: this.#id, stats: event.data } : { type: 'oom', id: this.#id },
      ),
    );
    const end = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    watch.then(end, end);
    return watch;
  }

  /** Of measurements that nobody has taken yet, only the newest is kept: a slow loop must not make the program grow. */
  #hear(event: UsageEvent): void {
    const old = event.type === 'stats' ? this.#waiting.findIndex(({ type }) => type === 'stats') : -1;
    if (old >= 0) this.#waiting.splice(old, 1);
    if (event.type === 'stats' || this.#waiting.length < MOST_OOMS) this.#waiting.push(event);
    this.#wake();
  }
}

const MOST_OOMS = 1000;
