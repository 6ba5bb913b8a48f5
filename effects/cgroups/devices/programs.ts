/**
 * Keeps device programs loaded, for a process that makes many cgroups. Most containers have the same rules, and the
 * kernel's verifier takes 0.3 ms for them. One program may be attached to any number of cgroups.
 */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Fd } from '../../../native/kernel/numbers.ts';
import { Owned } from '../../../native/kernel/owned.ts';
import type { DevicePolicy } from './policy.ts';

/** Enough for the few kinds of containers that one process makes. */
const KEPT = 8;

export class DevicePrograms {
  readonly #kernel: Kernel;
  /** The programs by what they are for, as JSON, in the order of their last use. */
  readonly #loaded = new Map<string, Owned>();

  /** @param kernel that loads the programs */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * A program that is loaded already, or is loaded now.
   * @param policy decides the program
   * @param load returns a descriptor, or `-errno`, which is not kept
   * @returns a descriptor that stays with this object, or `-errno`
   */
  get(policy: DevicePolicy, load: () => Fd): Fd {
    const key = JSON.stringify(policy);
    const program = this.#loaded.get(key) ?? this.#own(load());
    if (typeof program === 'number') return program;
    this.#loaded.delete(key);
    this.#loaded.set(key, program);
    const [oldest] = this.#loaded.keys();
    if (this.#loaded.size > KEPT && oldest !== undefined) this.#drop(oldest);
    return program.fd;
  }

  /** Closes all of them. Those that are attached stay in force. */
  close(): void {
    for (const key of this.#loaded.keys()) this.#drop(key);
  }

  #own(fd: Fd): Owned | number {
    return fd < 0 ? fd : new Owned(this.#kernel, fd);
  }

  #drop(key: string): void {
    this.#loaded.get(key)?.[Symbol.dispose]();
    this.#loaded.delete(key);
  }
}
