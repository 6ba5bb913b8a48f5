/**
 * Ends the wait for another process's answer when this one is told to end. Such a wait stops the engine, and with it the
 * engine's handlers: what is noted of a signal is that its handler has been called, which the kernel can be made to show.
 * With SA_RESETHAND it takes the handler away, so that a look at the signal's action tells, however long ago it came and
 * whichever thread got it. (No thread of the engine blocks signals, so no descriptor would hear of them.)
 */

import { POLL } from '../constants/socket.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import { out, u64s, viewOf } from '../kernel/struct.ts';

/** A signal came that ends this command, while it waited for an answer that may never come. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly signal: number;
  constructor(signal: number) {
    super('a signal came before the answer of another process');
    this.signal = signal;
  }
}

export interface Interruption {
  /** Waits for a descriptor while somebody watches, else not at all. @throws InterruptedError when it is not ready, and a signal has come */
  awaitReadable(fd: number): void;
  /**
   * Has waits end by these signals, as far as they have handlers, from now on. A second one ends this process at once.
   * @returns what gives them their handlers back
   */
  watch(signals: readonly number[]): () => void;
  readonly watching: boolean;
}

/** What ended a wait, where that is why something failed. */
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

/** struct sigaction as the kernel has it, on both architectures: handler, flags, restorer, mask. */
const ACTION = { BYTES: 32, HANDLER: 0, FLAGS: 8, MASK_BYTES: 8 } as const;
const SA_RESETHAND = 0x8000_0000;
const SIG_IGN = 1n;

/** So long a signal goes unnoticed that another thread got. */
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

function readable(fd: number): Call {
  const polled = new Uint8Array(8);
  const view = viewOf(polled);
  view.setInt32(0, fd, true);
  view.setInt16(4, POLL.IN, true);
  return { name: 'ppoll', args: [polled, 1, u64s(0, LOOK_EVERY_MS * 1_000_000), null, 0], mayFail: true };
}
