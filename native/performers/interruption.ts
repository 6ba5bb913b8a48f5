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

/** A signal came that ends this command, while it waited for an answer that may never come. */
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
   * Waits for a descriptor while somebody watches, or is about to, else not at all.
   * @throws InterruptedError when it is not ready, and a signal has come
   */
  awaitReadable(fd: Fd): void;
  /**
   * Calls `prepare` once, when a wait lasts: it may then `watch`. Until then nothing is watched, which costs a command
   * that never waits for long nothing.
   * @returns a function that forgets it
   */
  whenWaiting(prepare: () => void): () => void;
  /**
   * Lets waits end by these signals, from now on. If the same signal comes again, it ends this process at once.
   * @param signals the engine has a handler for each of them; where it has none for the first, nothing is watched
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

/** What ended a wait, where that is why something failed. */
export function interruptedBy(error: unknown): InterruptedError | undefined {
  if (error instanceof InterruptedError) return error;
  if (!(error instanceof Error)) return undefined;
  // A SuppressedError, which Node.js 22 has no class for. A descriptor's owner may have been interrupted too, while it
  // closed the descriptor of a performer that hangs.
  if ('suppressed' in error && 'error' in error) return interruptedBy(error.error) ?? interruptedBy(error.suppressed);
  return interruptedBy(error.cause);
}

/** struct sigaction as the kernel has it, on both architectures: handler, flags, restorer, mask. */
const ACTION = { BYTES: 32, HANDLER: 0, FLAGS: 8, MASK_BYTES: 8 } as const;
const SA_RESETHAND = 0x8000_0000;
const SIG_DFL = 0n;
const SIG_IGN = 1n;

/** How long it takes at most to notice a signal that another thread got. */
const LOOK_EVERY_MS = 100;

/** A wait that is longer lasts, whatever the reason: a container is made in less. */
const LASTING_MS = 50;

export function interruption(local: Kernel): Interruption {
  let watched: readonly number[] = [];
  let prepared: (() => void) | undefined;
  let ends: Lasting = 'every wait';
  let interrupted = false;

  function actionsOf(signals: readonly number[]): readonly { readonly signal: number; readonly action: Uint8Array }[] {
    const found = signals.map((signal) => ({ signal, into: out(ACTION.BYTES) }));
    local.submit(found.map(({ signal, into }) => sigaction(signal, null, into)));
    return found.map(({ signal, into }) => ({ signal, action: into.bytes }));
  }

  const isReadable = (fd: Fd, milliseconds: number): boolean =>
    attempt(local, ppoll([{ fd, events: POLL.IN }], milliseconds)) > 0;

  const setAll = (signals: readonly number[], action: Uint8Array): void => {
    if (signals.length > 0) local.submit(signals.map((signal) => sigaction(signal, action, null)));
  };

  return {
    get watching() {
      return watched.length > 0;
    },
    get interrupted() {
      return interrupted;
    },
    awaitReadable(fd) {
      if (prepared !== undefined) {
        if (isReadable(fd, LASTING_MS)) return;
        const prepare = prepared;
        prepared = undefined;
        prepare();
      }
      while (watched.length > 0 && !(interrupted && ends === 'one wait')) {
        if (isReadable(fd, LOOK_EVERY_MS)) return;
        const came = actionsOf(watched).find(({ action }) => handlerOf(action) === SIG_DFL);
        if (came === undefined) continue;
        interrupted = true;
        throw new InterruptedError(came.signal);
      }
    },
    whenWaiting(prepare) {
      prepared = prepare;
      return () => {
        prepared = undefined;
      };
    },
    watch(signals, lasting = 'every wait') {
      ends = lasting;
      interrupted = false;
      // The engine handles all signals by the same function, in the same way: so one look is enough.
      const [first] = actionsOf(signals.slice(0, 1));
      if (first === undefined || handlerOf(first.action) <= SIG_IGN) return () => undefined;
      watched = signals;
      setAll(watched, once(first.action));
      return () => {
        setAll(watched, first.action);
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
