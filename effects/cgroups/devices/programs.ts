/**
 * Device programs that stay loaded, for a process that makes many cgroups: most have the same rules, and the kernel's
 * verifier takes 0.3 ms over them. A program may be attached to any number of cgroups.
 */

import { close } from '../../../native/calls/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt } from '../../../native/kernel/perform.ts';

/** Enough for the few kinds of containers that one program makes. */
const KEPT = 8;

export class DevicePrograms {
  readonly #kernel: Kernel;
  /** Descriptors by what was loaded, the latest used last. */
  readonly #loaded = new Map<string, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** @param load answers a descriptor, or `-errno`, which is not kept */
  get(instructions: Uint8Array, load: () => number): number {
    const key = instructions.join();
    const fd = this.#loaded.get(key) ?? load();
    if (fd < 0) return fd;
    this.#loaded.delete(key);
    this.#loaded.set(key, fd);
    const [oldest] = this.#loaded.keys();
    if (this.#loaded.size > KEPT && oldest !== undefined) this.#drop(oldest);
    return fd;
  }

  /** Lets go of all of them; those that are attached stay in force. */
  close(): void {
    for (const key of this.#loaded.keys()) this.#drop(key);
  }

  #drop(key: string): void {
    const fd = this.#loaded.get(key);
    this.#loaded.delete(key);
    if (fd !== undefined) attempt(this.#kernel, close(fd));
  }
}
