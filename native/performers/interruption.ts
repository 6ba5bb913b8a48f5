/**
 * Ends the wait for another process's answer when this process is told to end.
 *
 * Such a wait stops the engine, so the engine's own handlers of signals do not run meanwhile. But the kernel can show
 * that a handler has been called: with SA_RESETHAND, the kernel takes the handler away when it calls it. A look at the
 * signal's action then tells that the signal came, however long ago, and whichever thread got it. (A signalfd would
 * not hear of it, since no thread of the engine blocks signals.)
 */

import { ppoll } from '../calls/poll.ts';
import { POLL } from '../constants/socket.ts';
import type { Call, Kernel, Out } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';

/** A signal that ends this command came while it waited for an answer that may never come. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly signal: number;
  constructor(signal: number) {
    super('a signal came before the answer of another process');
    this.signal = signal;
  }
}

/** When a wait ends by a signal: each wait after it has come too, or the first wait alone. */
type Lasting = 'every wait' | 'one wait';

export interface Interruption {
  /**
   * Waits for a descriptor while somebody watches, else not at all.
   * @throws InterruptedError when it is not ready, and a signal has come
   */
  awaitReadable(fd: Fd): void;
  /**
   * Lets waits end by those of these signals that have handlers, from now on. If the same signal comes again, it ends
   * this process at once.
   * @param lasting `one wait` for whoever has to wait again in order to clean up
   * @returns a function that gives the signals their handlers back
   */
  watch(signals: readonly number[], lasting?: Lasting): () => void;
  readonly watching: boolean;
  /** Whether a wait has been ended since the last `watch`. */
  readonly interrupted: boolean;
  /** Those of these signals that this process does not ignore, as its caller may have told it to. */
  heeded(signals: readonly number[]): readonly number[];
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
const SIG_DFL = 0n;
const SIG_IGN = 1n;

/** How long it takes at most to notice a signal that another thread got. */
const LOOK_EVERY_MS = 100;

export function interruption(local: Kernel): Interruption {
  let watched: readonly Watched[] = [];
  let ends: Lasting = 'every wait';
  let interrupted = false;

  function actionsOf(signals: readonly number[]): readonly Watched[] {
    const found = signals.map((signal) => ({ signal, into: out(ACTION.BYTES) }));
    local.submit(found.map(({ signal, into }) => sigaction(signal, null, into)));
    return found.map(({ signal, into }) => ({ signal, action: into.bytes }));
  }

  return {
    get watching() {
      return watched.length > 0;
    },
    get interrupted() {
      return interrupted;
    },
    awaitReadable(fd) {
      while (watched.length > 0 && !(interrupted && ends === 'one wait')) {
        if (attempt(local, ppoll([{ fd, events: POLL.IN }], LOOK_EVERY_MS)) > 0) return;
        const came = actionsOf(watched.map(({ signal }) => signal)).find(({ action }) => handlerOf(action) === SIG_DFL);
        if (came === undefined) continue;
        interrupted = true;
        throw new InterruptedError(came.signal);
      }
    },
    watch(signals, lasting = 'every wait') {
      ends = lasting;
      interrupted = false;
      watched = actionsOf(signals).filter(({ action }) => handlerOf(action) > SIG_IGN);
      local.submit(watched.map(({ signal, action }) => sigaction(signal, once(action), null)));
      return () => {
        local.submit(watched.map(({ signal, action }) => sigaction(signal, action, null)));
        watched = [];
      };
    },
    heeded: (signals) =>
      actionsOf(signals)
        .filter(({ action }) => handlerOf(action) !== SIG_IGN)
        .map(({ signal }) => signal),
  };
}

const handlerOf = (action: Uint8Array): bigint => viewOf(action).getBigUint64(ACTION.HANDLER, true);

/** The same action, which the kernel takes away when it calls the handler. */
function once(action: Uint8Array): Uint8Array {
  const copy = action.slice();
  const view = viewOf(copy);
  view.setUint32(ACTION.FLAGS, (view.getUint32(ACTION.FLAGS, true) | SA_RESETHAND) >>> 0, true);
  return copy;
}

const sigaction = (signal: number, action: Uint8Array | null, into: Out | null): Call => ({
  name: 'rt_sigaction',
  args: [signal, action, into, ACTION.MASK_BYTES],
  mayFail: true,
});
