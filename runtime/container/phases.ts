/**
 * Which phase of a creation an error belongs to. Batches are posted: a phase is over when it has asked for everything,
 * and what it asked for may fail while a later one waits for something else.
 */

import { EarlierFailure } from '../../machines/contract.ts';
import { type Kernel, LostPeerError, type Settle } from '../../native/kernel/kernel.ts';

export interface Phases {
  /** The kernel of the container's init: what is posted there belongs to the phase that is going on. */
  watch(kernel: Kernel): Kernel;
  /**
   * Performs the effect of a phase.
   * @param name as the chart tells of its failure
   * @throws EarlierFailure for what an earlier phase posted; whatever else `effect` throws, as it is
   */
  perform<T>(name: string, effect: () => T | Promise<T>): Promise<T>;
}

interface Posted {
  phase: string;
}

export function phasesOfCreation(): Phases {
  let current = '';
  /** What has no answer yet, in the order in which it was posted. */
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

  /** A peer that is gone has not answered what was posted first. */
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

  /** What is written ahead belongs to the phase that posts it. */
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

/** Whoever waited may have wrapped the error in words of its own. */
function isOrComesOf(error: unknown, origin: unknown): boolean {
  if (error === origin) return true;
  return error instanceof Error && error.cause !== undefined && isOrComesOf(error.cause, origin);
}
