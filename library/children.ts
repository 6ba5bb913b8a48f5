/**
 * The children of a program that uses the library. The kernel tells once how a child ended: to whoever waits for it, or
 * to `delete` with `force`, which reaps it too. Here the program can ask as often as it likes.
 */

import { EffectError } from '../effects/error.ts';
import { awaitExit, type Exited } from '../effects/running/wait.ts';
import type { Pid } from '../native/kernel/numbers.ts';
import type { Platform } from '../native/platform.ts';

export interface Child {
  readonly pid: Pid;
  /** Whether nobody has reaped it: until then no other process gets its pid. */
  readonly unreaped: boolean;
  /** Waits until it has ended. @throws EffectError where the program has reaped it by other means */
  exited(): Promise<Exited>;
}

export class Children {
  readonly #platform: Platform;
  /** The children that nobody has reaped. No other process has their pids. */
  readonly #running = new Map<Pid, (exited: Exited) => void>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Takes charge of a child that nobody has waited for. */
  adopt(pid: Pid): Child {
    const platform = this.#platform;
    const running = this.#running;
    const { promise: reaped, resolve } = Promise.withResolvers<Exited>();
    running.set(pid, resolve);
    const wait = async (): Promise<Exited> => {
      const own = running.get(pid) === resolve ? await awaitExit(platform, pid) : undefined;
      if (own !== undefined) this.note(own);
      else if (running.get(pid) === resolve) {
        running.delete(pid);
        throw new EffectError(`the exit status of process ${pid} went to another process`);
      }
      return reaped;
    };
    let waiting: Promise<Exited> | undefined;
    return {
      pid,
      get unreaped() {
        return running.get(pid) === resolve;
      },
      exited() {
        waiting ??= wait();
        return waiting;
      },
    };
  }

  /** To be told when something else in this program has reaped a child. */
  readonly note = (exited: Exited): void => {
    const resolve = this.#running.get(exited.pid);
    this.#running.delete(exited.pid);
    resolve?.(exited);
  };
}
