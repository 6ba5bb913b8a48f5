/**
 * The children of a program that uses the library: the processes of its containers. Each is reaped when it ends,
 * whether anybody waits for it or not. A zombie in a container's pid namespace would keep the container from ending.
 *
 * The kernel tells once how a child ended: to whoever reaps it, here or in `delete` with `force`. The program can ask
 * as often as it likes.
 */

import { awaitExit, type Exited, reapChildIfEnded } from '../effects/running/wait.ts';
import type { Pid } from '../native/kernel/numbers.ts';
import type { Platform } from '../native/platform.ts';
import { unless } from './unless.ts';

export interface Child {
  readonly pid: Pid;
  /** Whether nobody has reaped it: until then no other process gets its pid. */
  readonly unreaped: boolean;
  /**
   * Waits until it has ended. The program goes on at least until then.
   * @throws EffectError where the program has reaped it by other means; the signal's reason
   */
  exited(signal?: AbortSignal): Promise<Exited>;
  /** The same, but it keeps no program from ending: it is told when the child has been reaped. */
  readonly ended: Promise<Exited>;
}

/**
 * Has a function called when some child may have ended. That keeps no program from ending.
 * @returns what ends that; undefined where nobody tells
 */
export type WatchChildren = (mayHaveEnded: () => void) => (() => void) | undefined;

/** A child that nobody has reaped. No other process has its pid. */
interface Unreaped {
  end(exited: Exited): void;
  lose(reason: unknown): void;
}

/** How often to look for an end that nobody has told of. */
const LOOK_EVERY_MS = 1000;

export class Children {
  readonly #platform: Platform;
  readonly #watch: WatchChildren;
  readonly #unreaped = new Map<Pid, Unreaped>();
  #unwatch: (() => void) | undefined;

  constructor(platform: Platform, watch: WatchChildren) {
    this.#platform = platform;
    this.#watch = watch;
  }

  /** Takes charge of a child that nobody has waited for. */
  adopt(pid: Pid): Child {
    const unreaped = this.#unreaped;
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<Exited>();
    ended.catch(() => undefined);
    const own: Unreaped = { end, lose: reject };
    unreaped.set(pid, own);
    const isUnreaped = (): boolean => unreaped.get(pid) === own;
    this.#unwatch ??= this.#watch(() => this.reap());
    // It may have ended before anybody watched. Where nobody tells, a wait that lasts as long as the child has to.
    if (this.#unwatch === undefined) void this.#await(pid, isUnreaped).catch(() => undefined);
    else this.#reapOne(pid);
    return {
      pid,
      ended,
      get unreaped() {
        return isUnreaped();
      },
      exited: async (signal) => {
        if (!isUnreaped()) return ended;
        if (this.#unwatch !== undefined) return this.#hold(pid, ended, signal);
        await this.#await(pid, isUnreaped, signal);
        return ended;
      },
    };
  }

  /** Reaps those that have ended. */
  reap(): void {
    for (const pid of [...this.#unreaped.keys()]) this.#reapOne(pid);
  }

  /** To be told when something else in this program has reaped a child. */
  readonly note = (exited: Exited): void => {
    const child = this.#unreaped.get(exited.pid);
    this.#unreaped.delete(exited.pid);
    child?.end(exited);
    this.#unwatchIfIdle();
  };

  #unwatchIfIdle(): void {
    if (this.#unreaped.size > 0) return;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #reapOne(pid: Pid): void {
    try {
      const exited = reapChildIfEnded(this.#platform.local, pid);
      if (exited !== undefined) this.note(exited);
    } catch (error) {
      this.#lose(pid, error);
    }
  }

  #lose(pid: Pid, reason: unknown): void {
    const child = this.#unreaped.get(pid);
    this.#unreaped.delete(pid);
    child?.lose(reason);
    this.#unwatchIfIdle();
  }

  /**
   * Waits where somebody tells of the end, which takes less time than to wait on a thread. The timer keeps the program
   * going until then; it finds an end that nobody has told of, too.
   */
  async #hold(pid: Pid, ended: Promise<Exited>, signal: AbortSignal | undefined): Promise<Exited> {
    const holding = setInterval(() => {
      if (this.#unreaped.has(pid)) this.#reapOne(pid);
    }, LOOK_EVERY_MS);
    try {
      return await unless(signal, ended);
    } finally {
      clearInterval(holding);
    }
  }

  async #await(pid: Pid, isUnreaped: () => boolean, signal?: AbortSignal): Promise<void> {
    const exited = await awaitExit(this.#platform, pid, signal);
    if (exited !== undefined) this.note(exited);
    else if (isUnreaped()) this.#reapOne(pid);
  }
}
