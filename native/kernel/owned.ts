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
 * Several descriptors that are closed together, the last one first.
 * It does what DisposableStack does, which the library cannot use: Node.js has that from 24 on, and 22.18 must do.
 */
export class OwnedStack {
  readonly #owned: Owned[] = [];

  use(owned: Owned): Owned {
    this.#owned.push(owned);
    return owned;
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned.splice(0).reverse()) owned[Symbol.dispose]();
  }
}

/**
 * Several descriptors that are closed together, the last one first.
 * It does what DisposableStack does, which the library cannot use: Node.js has that from 24 on, and 22.18 must do.
 */
export class OwnedStack {
  readonly #owned: Owned[] = [];

  use(owned: Owned): Owned {
    this.#owned.push(owned);
    return owned;
  }

  [Symbol.dispose](): void {
    for (const owned of this.#owned.splice(0).reverse()) owned[Symbol.dispose]();
  }
}

/** Performs a call that opens a descriptor. @throws SyscallError */
export const opened = (kernel: Kernel, one: Call<Fd>): Owned => new Owned(kernel, call(kernel, one));
