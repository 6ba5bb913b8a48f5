/** Descriptors with an owner: whoever opens one closes it on every path, or hands it on. */

import { close } from '../calls/files.ts';
import { type Call, type Kernel, LostPeerError } from './kernel.ts';
import type { Fd } from './numbers.ts';
import { attempt, call } from './perform.ts';

/**
 * A descriptor that is closed where the block ends that declares it:
 *
 * ```ts
 * using directory = opened(kernel, openat(AT.FDCWD, path, O.DIRECTORY));
 * perform(kernel, [fchmod(directory.fd, 0o700)]);
 * ```
 */
export class Owned {
  readonly fd: Fd;
  readonly #kernel: Kernel;
  #isHeld = true;

  /** @param kernel whose descriptor it is */
  constructor(kernel: Kernel, fd: Fd) {
    this.#kernel = kernel;
    this.fd = fd;
  }

  /** Hands the descriptor on: whoever takes it closes it. */
  release(): Fd {
    this.#isHeld = false;
    return this.fd;
  }

  [Symbol.dispose](): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      attempt(this.#kernel, close(this.fd));
    } catch (error) {
      // The performer is gone, and its descriptors with it. The block's own error must come out as it is: two errors
      // would become one SuppressedError, which nobody looks for.
      if (!(error instanceof LostPeerError)) throw error;
    }
  }
}

/**
 * Several descriptors, and other things, that end together: the last one first.
 * It does what DisposableStack does, which the library cannot use: Node.js has that from 24 on, and 22.18 must do.
 */
export class OwnedStack {
  readonly #steps: (() => void)[] = [];

  /** Adds what has an end of its own. */
  use<One extends Disposable>(one: One): One {
    this.#steps.push(() => one[Symbol.dispose]());
    return one;
  }

  /** Adds a step that is to be taken at the end. */
  defer(step: () => void): void {
    this.#steps.push(step);
  }

  /** Hands everything on: whoever takes it ends it. */
  forget(): void {
    this.#steps.length = 0;
  }

  [Symbol.dispose](): void {
    for (const step of this.#steps.splice(0).reverse()) step();
  }
}

/** Performs a call that opens a descriptor. @throws SyscallError */
export const opened = (kernel: Kernel, one: Call<Fd>): Owned => new Owned(kernel, call(kernel, one));
