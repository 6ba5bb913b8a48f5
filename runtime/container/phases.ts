/**
 * Finds out which phase of a creation an error belongs to. Phases post batches: a phase is over once it has asked for
 * everything. What it asked for may fail later, while another phase waits for something else.
 */

import { EarlierFailure } from '../../machines/contract.ts';
import { type Ahead, type Kernel, LostPeerError, type Settle } from '../../native/kernel/kernel.ts';

/** A batch that was posted. */
interface Posted {
  phase: string;
}

/** The phases of one creation. */
export class Phases {
  #current = '';
  /** The batches that have no answer yet, in the order in which they were posted. */
  readonly #waiting: Posted[] = [];
  #blamed: { readonly error: unknown; readonly phase: string } | undefined;

  /**
   * Performs the effect of a phase.
   * @param name of the phase, as the chart reports its failure
   * @throws EarlierFailure for the failure of a batch that an earlier phase posted; any other error of `effect` as it
   * is
   */
  async perform<T>(name: string, effect: () => T | Promise<T>): Promise<T> {
    this.#current = name;
    try {
      return await effect();
    } catch (error) {
      const blamed = this.#blamed;
      if (blamed !== undefined && blamed.phase !== name && isOrComesOf(error, blamed.error))
        throw new EarlierFailure(blamed.phase, blamed.error);
      throw error;
    }
  }

  /**
   * Watches the kernel of the container's init: a batch belongs to the phase that is going on when it is posted.
   * @param phase that batches belong to, where they are posted before it is its turn
   */
  watch(kernel: Kernel, phase?: string): Kernel {
    const { post, flush, ahead } = kernel;
    if (post === undefined) return kernel;
    return {
      ...kernel,
      submit: (calls) => this.#wait(() => kernel.submit(calls)),
      post: (calls, settle) => {
        const posted = { phase: phase ?? this.#current };
        this.#waiting.push(posted);
        this.#wait(() => post(calls, this.#settled(posted, settle)));
      },
      flush: flush && (() => this.#wait(flush)),
      ahead: ahead && (() => this.#watchAhead(ahead(), phase)),
    };
  }

  /** A batch that is written ahead belongs to that phase, or else to the one that posts it. */
  #watchAhead(ahead: Ahead, phase?: string): Ahead {
    let written: Posted[] = [];
    let isPosted = false;
    const { kernel } = ahead;
    const watched = this.watch(kernel);
    return {
      kernel: {
        ...watched,
        post: (calls, settle) => {
          if (isPosted) return watched.post?.(calls, settle);
          const posted = { phase: '' };
          written.push(posted);
          kernel.post?.(calls, this.#settled(posted, settle));
        },
      },
      get size() {
        return ahead.size;
      },
      post: () => {
        isPosted = true;
        for (const posted of written) {
          posted.phase = phase ?? this.#current;
          this.#waiting.push(posted);
        }
        written = [];
        this.#wait(ahead.post);
      },
    };
  }

  #settled(posted: Posted, settle: Settle): Settle {
    return (outcome) => {
      this.#waiting.splice(this.#waiting.indexOf(posted), 1);
      try {
        settle(outcome);
      } catch (error) {
        if (this.#blamed?.error !== error) this.#blamed = { error, phase: posted.phase };
        throw error;
      }
    };
  }

  /** Where the peer turns out to be gone, the first batch without an answer is to blame. */
  #wait<T>(wait: () => T): T {
    try {
      return wait();
    } catch (error) {
      const [first] = this.#waiting;
      if (error instanceof LostPeerError && first !== undefined) this.#blamed = { error, phase: first.phase };
      throw error;
    }
  }
}

/** Whether an error is another one, or was caused by it: whoever waited may have put words of their own before it. */
function isOrComesOf(error: unknown, origin: unknown): boolean {
  if (error === origin) return true;
  return error instanceof Error && error.cause !== undefined && isOrComesOf(error.cause, origin);
}
