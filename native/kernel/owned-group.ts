/**
 * Any number of descriptors with one owner. A DisposableStack would do, but the library runs on Node 22, which has
 * none.
 */

import { close } from '../calls/files.ts';
import type { Kernel } from './kernel.ts';
import type { Fd } from './numbers.ts';

/**
 * Descriptors that are closed together, in one batch, where the block ends that declares the group:
 *
 * ```ts
 * using programs = new OwnedGroup(kernel);
 * for (const id of ids) programs.add(call(kernel, programById(id)));
 * ```
 */
export class OwnedGroup {
  readonly #kernel: Kernel;
  readonly #fds: Fd[] = [];

  /** @param kernel whose descriptors they are */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes a descriptor over, and returns it. */
  add(fd: Fd): Fd {
    this.#fds.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    const fds = this.#fds.splice(0);
    if (fds.length > 0) this.#kernel.submit(fds.map((fd) => ({ ...close(fd), mayFail: true as const })));
  }
}
