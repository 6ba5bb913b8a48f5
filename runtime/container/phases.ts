/**
 * Finds out which phase of a creation an error belongs to. Phases post batches: a phase is over once it has asked for
 * everything. What it asked for may fail later, while another phase waits for something else.
 */

import { EarlierFailure } from '../../machines/contract.ts';
import { type Kernel, LostPeerError, type Settle } from '../../native/kernel/kernel.ts';

export interface Phases {
  /** Watches the kernel of the container's init: a batch belongs to the phase that is going on when it is posted. */
  watch(kernel: Kernel): Kernel;
  /**
   * Performs the effect of a phase.
   * @param name of the phase, as the chart reports its failure
   * @throws EarlierFailure for the failure of a batch that an earlier phase posted; any other error of `effect` as it
   * is
   */
  perform<T>(name: string, effect: () => T | Promise<T>): Promise<T>;
}

interface Posted {
  phase: string;
}

export function phasesOfCreation(): Phases {
  let current = '';
  /** The batches that have no answer yet, in the order in which they were posted. */
  const waiting: Posted[] = [];
  let blamed: { readonly error: unknown; readonly phase: string } | undefined;

  function settled(posted: Posted, settle: Settle): Settle {
    return (outcome) => {
      waiting.splice(waiting.indexOf(posted), 1);
      try {
        settle(outcome);
      } catch (error) {
        if (blamed?.error !== error) blamed = { error, phase: posted.phase };
        throw error;
      }
    };
  }

  /** Waits. Where the peer is gone, the first batch without an answer is to blame. */
  function hearing<T>(wait: () => T): T {
    try {
      return wait();
    } catch (error) {
      const [first] = waiting;
      if (error instanceof LostPeerError && first !== undefined) blamed = { error, phase: first.phase };
      throw error;
    }
  }

  function watch(kernel: Kernel): Kernel {
    const { post, flush, ahead } = kernel;
    if (post === undefined) return kernel;
    const postNow = (calls: Parameters<typeof post>[0], settle: Settle): void => {
      const posted = { phase: current };
      waiting.push(posted);
      hearing(() => post(calls, settled(posted, settle)));
    };
    return {
      ...kernel,
      submit: (calls) => hearing(() => kernel.submit(calls)),
      post: postNow,
      flush: flush && (() => hearing(flush)),
      ahead: ahead && (() => watchAhead(ahead())),
    };
  }

  /** A batch that is written ahead belongs to the phase that posts it. */
  function watchAhead(ahead: ReturnType<NonNullable<Kernel['ahead']>>): typeof ahead {
    const written: Posted[] = [];
    let isPosted = false;
    const { kernel } = ahead;
    const watched = watch(kernel);
    return {
      kernel: {
        ...watched,
        post(calls, settle) {
          if (isPosted) return watched.post?.(calls, settle);
          const posted = { phase: '' };
          written.push(posted);
          kernel.post?.(calls, settled(posted, settle));
        },
      },
      post() {
        isPosted = true;
        for (const posted of written) {
          posted.phase = current;
          waiting.push(posted);
        }
        hearing(ahead.post);
      },
    };
  }

  return {
    watch,
    async perform(name, effect) {
      current = name;
      try {
        return await effect();
      } catch (error) {
        if (blamed !== undefined && blamed.phase !== name && isOrComesOf(error, blamed.error))
          throw new EarlierFailure(blamed.phase, blamed.error);
        throw error;
      }
    },
  };
}

/** Whoever waited may have wrapped the error in words of their own. */
function isOrComesOf(error: unknown, origin: unknown): boolean {
  if (error === origin) return true;
  return error instanceof Error && error.cause !== undefined && isOrComesOf(error.cause, origin);
}
