/** Sends messages over a bus, and receives them. Pointers to the library's objects are integers. */

import { ERRNO } from '../../constants/errno.ts';
import { viewOf } from '../../kernel/struct.ts';
import type { SdBus } from './bindings.ts';
import { type BusAddress, BusError, check } from './bus.ts';

/** As long as sd_bus_call would wait. */
const CALL_TIMEOUT_MS = 25_000;

export class BusConnection {
  readonly #sd: SdBus;
  readonly #bus: number;
  /** The functions of the library write the pointer or the number that they answer here. */
  readonly #slot = new Uint8Array(8);
  /** The signals that came while we waited for an answer. */
  readonly #early: number[] = [];

  /** @throws BusError */
  constructor(sd: SdBus, { address, direct = false }: BusAddress) {
    this.#sd = sd;
    check('sd_bus_new', sd.new(this.#slot));
    this.#bus = this.#answered();
    try {
      check('sd_bus_set_address', sd.setAddress(this.#bus, address));
      if (!direct) check('sd_bus_set_bus_client', sd.setBusClient(this.#bus, 1));
      check(`connect to D-Bus at ${address}`, sd.start(this.#bus));
    } catch (error) {
      sd.unref(this.#bus);
      throw error;
    }
  }

  /** Makes a method call, which is not sent yet. Whoever gets it unreferences it. @throws BusError */
  methodCall(destination: string, path: string, of: string, member: string): number {
    check(`${of}.${member}`, this.#sd.newMethodCall(this.#bus, this.#slot, destination, path, of, member));
    return this.#answered();
  }

  /** Sends a call and waits for its answer. Whoever gets the answer unreferences it. @throws BusError */
  ask(what: string, message: number): number {
    check(what, this.#sd.send(this.#bus, message, this.#slot));
    const cookie = this.#answered();
    const deadline = performance.now() + CALL_TIMEOUT_MS;
    for (;;) {
      const answer = this.#receive(what, deadline);
      if (answer === undefined) throw new BusError(what, ERRNO.ETIMEDOUT);
      // A message without a cookie answers nothing: it is a signal.
      if (this.#sd.getReplyCookie(answer, this.#slot) < 0) this.#early.push(answer);
      else if (this.#answered() === cookie) return answer;
      else this.#sd.messageUnref(answer);
    }
  }

  /** The next signal. Whoever gets it unreferences it. @returns undefined when the time is up */
  nextSignal(what: string, deadline: number): number | undefined {
    return this.#early.shift() ?? this.#receive(what, deadline);
  }

  /** @throws BusError */
  addMatch(rule: string): void {
    check(`watch for ${rule}`, this.#sd.addMatch(this.#bus, 0, rule, 0, 0));
  }

  close(): void {
    for (const message of this.#early.splice(0)) this.#sd.messageUnref(message);
    this.#sd.flushCloseUnref(this.#bus);
  }

  /**
   * The next message that comes before the deadline. This does not use sd_bus_call: a signal of Unix (SIGCHLD)
   * interrupts that, and then nobody knows whether the call was made.
   */
  #receive(what: string, deadline: number): number | undefined {
    for (;;) {
      viewOf(this.#slot).setBigUint64(0, 0n, true);
      const worked = check(what, uninterrupted(this.#sd.process(this.#bus, this.#slot)));
      const message = this.#answered();
      if (message !== 0) return message;
      if (worked > 0) continue;
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      check(what, uninterrupted(this.#sd.wait(this.#bus, Math.ceil(left * 1000))));
    }
  }

  #answered(): number {
    return Number(viewOf(this.#slot).getBigUint64(0, true));
  }
}

/** After a signal of Unix we just look again. */
const uninterrupted = (result: number): number => (result === -ERRNO.EINTR ? 0 : result);
