/**
 * Children of a program that uses the library: how each ended, told as often as it is asked. A child can be reaped once,
 * and besides who waits for it, `delete` with `force` does it.
 */

import { EffectError } from '../../effects/error.ts';
import { awaitExit, type Exited } from '../../effects/running/wait.ts';
import type { Platform } from '../../native/platform.ts';

export interface Child {
  readonly pid: number;
  /** Whether it has not been reaped: its pid is nobody else's then. */
  readonly unreaped: boolean;
  /** @throws EffectError where the program itself has taken its status */
  exited(): Promise<Exited>;
}

export class Children {
  readonly #platform: Platform;
  /** Those that have not been reaped. Their pids are nobody else's. */
  readonly #running = new Map<number, (exited: Exited) => void>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Takes charge of a child that has not been waited for. */
  adopt(pid: number): Child {
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

  /** Somebody else of this program has reaped one. */
  readonly note = (exited: Exited): void => {
    const resolve = this.#running.get(exited.pid);
    this.#running.delete(exited.pid);
    resolve?.(exited);
  };
}
