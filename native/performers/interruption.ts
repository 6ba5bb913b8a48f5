/**
 * Ends the wait for another process's answer when a signal tells this one to end.
 *
 * Such a wait stops the engine, and so the JavaScript that handles signals. But the kernel can show that a handler has
 * been called: with SA_RESETHAND it takes the handler away then. So a look at the signal's action tells whether the
 * signal came, however long ago, and whichever thread got it. (A signalfd would be told nothing: no thread of the
 * engine blocks signals.)
 */

import { POLL } from '../constants/socket.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { out, u64s, viewOf } from '../kernel/struct.ts';

/** A signal that ends this command came while it waited for an answer that may never come. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly signal: number;
  constructor(signal: number) {
    super('a signal came before the answer of another process');
    this.signal = signal;
  }
}

export interface Interruption {
  /**
   * Waits until a descriptor can be read. Does not wait where nobody watches.
   * @throws InterruptedError when a signal has come, and the descriptor is not ready
   */
  awaitReadable(fd: Fd): void;
  /**
   * Lets these signals end waits from now on, those that have handlers. A second signal ends this process at once.
   * @returns a function that gives the signals their handlers back
   */
  watch(signals: readonly number[]): () => void;
  readonly watching: boolean;
}

/** The interruption that made something fail, where there was one. */
export function interruptedBy(error: unknown): InterruptedError | undefined {
  if (error instanceof InterruptedError) return error;
  // A descriptor's owner may have been interrupted too, while it closed the descriptor of a performer that hangs.
  if (error instanceof SuppressedError) return interruptedBy(error.error) ?? interruptedBy(error.suppressed);
  return error instanceof Error ? interruptedBy(error.cause) : undefined;
}

interface Watched {
  readonly signal: number;
  readonly action: Uint8Array;
}

/** The kernel's struct sigaction, the same on both architectures: handler, flags, restorer, mask. */
const ACTION = { BYTES: 32, HANDLER: 0, FLAGS: 8, MASK_BYTES: 8 } as const;
const SA_RESETHAND = 0x8000_0000;
const SIG_IGN = 1n;

/** A signal that another thread got is noticed after so long, at the latest. */
const LOOK_EVERY_MS = 100;

export function interruption(local: Kernel): Interruption {
  let watched: readonly Watched[] = [];

  function actionsOf(signals: readonly number[]): readonly Watched[] {
    const found = signals.map((signal) => ({ signal, into: out(ACTION.BYTES) }));
    local.submit(found.map(({ signal, into }) => sigaction(signal, null, into)));
    return found.map(({ signal, into }) => ({ signal, action: into.bytes }));
  }

  return {
    get watching() {
      return watched.length > 0;
    },
    awaitReadable(fd) {
      while (watched.length > 0) {
        const { results } = local.submit([readable(fd)]);
        if ((results[0] ?? 0) > 0) return;
        const came = actionsOf(watched.map(({ signal }) => signal)).find(({ action }) => handlerOf(action) === 0n);
        if (came !== undefined) throw new InterruptedError(came.signal);
      }
    },
    watch(signals) {
      watched = actionsOf(signals).filter(({ action }) => handlerOf(action) > SIG_IGN);
      local.submit(watched.map(({ signal, action }) => sigaction(signal, once(action), null)));
      return () => {
        local.submit(watched.map(({ signal, action }) => sigaction(signal, action, null)));
        watched = [];
      };
    },
  };
}

const handlerOf = (action: Uint8Array): bigint => viewOf(action).getBigUint64(ACTION.HANDLER, true);

function once(action: Uint8Array): Uint8Array {
  const copy = action.slice();
  const view = viewOf(copy);
  view.setUint32(ACTION.FLAGS, (view.getUint32(ACTION.FLAGS, true) | SA_RESETHAND) >>> 0, true);
  return copy;
}

const sigaction = (signal: number, action: Uint8Array | null, into: ReturnType<typeof out> | null): Call => ({
  name: 'rt_sigaction',
  args: [signal, action, into, ACTION.MASK_BYTES],
  mayFail: true,
});

function readable(fd: Fd): Call {
  const polled = new Uint8Array(8);
  const view = viewOf(polled);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLL.IN, true);
  return { name: 'ppoll', args: [polled, 1, u64s(0, LOOK_EVERY_MS * 1_000_000), null, 0], mayFail: true };
}
