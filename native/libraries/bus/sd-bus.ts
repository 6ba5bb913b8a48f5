/**
 * D-Bus through libsystemd's sd-bus (sd-bus(3)), as much as a client of systemd's needs. Loaded where a container's
 * cgroup is systemd's to make, so that a machine without libsystemd runs all others.
 * Only functions without variadic arguments and callbacks; pointers are passed as integers.
 */

import { ERRNO, errnoName, errnoText } from '../../constants/errno.ts';
import { viewOf } from '../../kernel/struct.ts';
import type { Libc } from '../libc.ts';
import { bindings, SONAME } from './bindings.ts';
import { type BusValue, fromBytes, isInteger, signatureOf, toBytes } from './values.ts';

/** What a service answered instead of a result, or why it could not be asked. */
export class BusError extends Error {
  override readonly name = 'BusError';
  /** The D-Bus error's name: `org.freedesktop.systemd1.UnitExists`; empty where the bus itself failed. */
  readonly bus: string;
  /** Positive, as in errno(3). */
  readonly errno: number;
  constructor(what: string, errno: number, bus = '', message = '') {
    super(`${what}: ${bus === '' ? `${errnoName(errno)}: ${errnoText(errno)}` : `${message} (${bus})`}`);
    this.errno = errno;
    this.bus = bus;
  }
}

export interface BusObject {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
}

export type Basic = string | number | bigint | boolean;

export interface Bus {
  /**
   * Calls a method and waits for its answer.
   * @param reads the types of the answer's values that are wanted, basic ones only
   * @throws BusError
   */
  call(object: BusObject, member: string, args: readonly BusValue[], reads?: string): readonly Basic[];
  /** A property that is a string. @throws BusError */
  stringProperty(object: BusObject, name: string): string;
  /** Has the bus deliver signals that fit a rule. @throws BusError */
  match(rule: string): void;
  /**
   * Waits for a signal whose values `accept` takes. Signals that came since `match` count.
   * @returns its values, or undefined when the time is up
   * @throws BusError when the connection is lost
   */
  waitForSignal(
    object: Pick<BusObject, 'interface'>,
    member: string,
    reads: string,
    accept: (values: readonly Basic[]) => boolean,
    timeoutMs: number,
  ): readonly Basic[] | undefined;
  close(): void;
}

interface BusAddress {
  /** `unix:path=/run/dbus/system_bus_socket` */
  readonly address: string;
  /** The other end is the service itself, without a bus daemon between. */
  readonly direct?: boolean;
}

/** As long as sd_bus_call would wait. */
const CALL_TIMEOUT_MS = 25_000;

/** @throws BusError, or Error where the library is missing */
export function connectBus(libc: Libc, { address, direct = false }: BusAddress, soname: string = SONAME): Bus {
  const sd = bindings(libc, soname);
  const slot = new Uint8Array(8);
  const pointer = (): number => Number(viewOf(slot).getBigUint64(0, true));
  const check = (what: string, result: number): number => {
    if (result < 0) throw new BusError(what, -result);
    return result;
  };

  check('sd_bus_new', sd.new(slot));
  const bus = pointer();
  try {
    check('sd_bus_set_address', sd.setAddress(bus, address));
    if (!direct) check('sd_bus_set_bus_client', sd.setBusClient(bus, 1));
    check(`connect to D-Bus at ${address}`, sd.start(bus));
  } catch (error) {
    sd.unref(bus);
    throw error;
  }

  function append(message: number, value: BusValue): void {
    const what = 'build a D-Bus message';
    const within = (type: string, contents: string, items: readonly BusValue[]): void => {
      check(what, sd.openContainer(message, type.charCodeAt(0), contents));
      for (const item of items) append(message, item);
      check(what, sd.closeContainer(message));
    };
    switch (value.type) {
      case 's':
      case 'o':
      case 'g':
        check(what, sd.appendString(message, value.type.charCodeAt(0), value.value));
        break;
      case 'a':
        within('a', value.of, value.items);
        break;
      case 'r':
        within('r', value.fields.map(signatureOf).join(''), value.fields);
        break;
      case 'v':
        within('v', signatureOf(value.value), [value.value]);
        break;
      default:
        check(what, sd.appendBasic(message, value.type.charCodeAt(0), toBytes(value)));
    }
  }

  function read(message: number, types: string): readonly Basic[] {
    return [...types].map((type) => {
      const memory = new Uint8Array(8);
      check(`read ${type} from a D-Bus message`, sd.readBasic(message, type.charCodeAt(0), memory));
      if (isInteger(type) || type === 'b' || type === 'd') return fromBytes(type, memory);
      return sd.text(Number(viewOf(memory).getBigUint64(0, true)));
    });
  }

  /**
   * The next message that came, waited for until the deadline; undefined when the time is up. It is the caller's.
   * Not sd_bus_call and its like: a signal (SIGCHLD) interrupts them, and leaves it open whether the call was made.
   */
  function receive(what: string, deadline: number): number | undefined {
    for (;;) {
      viewOf(slot).setBigUint64(0, 0n, true);
      const worked = check(what, uninterrupted(sd.process(bus, slot)));
      const message = pointer();
      if (message !== 0) return message;
      if (worked > 0) continue;
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      check(what, uninterrupted(sd.wait(bus, Math.ceil(left * 1000))));
    }
  }

  /** Signals that came while an answer was waited for. */
  const early: number[] = [];

  /** Sends a call and waits for its answer, which is the caller's. */
  function ask(what: string, message: number): number {
    check(what, sd.send(bus, message, slot));
    const cookie = pointer();
    const deadline = performance.now() + CALL_TIMEOUT_MS;
    for (;;) {
      const answer = receive(what, deadline);
      if (answer === undefined) throw new BusError(what, ERRNO.ETIMEDOUT);
      // Signals answer nothing.
      if (sd.getReplyCookie(answer, slot) < 0) early.push(answer);
      else if (pointer() === cookie) return answer;
      else sd.messageUnref(answer);
    }
  }

  /** Calls a method and hands its answer to `body`. */
  function callMethod<T>(object: BusObject, member: string, args: readonly BusValue[], body: (answer: number) => T): T {
    const what = `${object.interface}.${member}`;
    check(what, sd.newMethodCall(bus, slot, object.destination, object.path, object.interface, member));
    const message = pointer();
    let answer: number;
    try {
      for (const value of args) append(message, value);
      answer = ask(what, message);
    } finally {
      sd.messageUnref(message);
    }
    try {
      if (sd.messageIsError(answer, null) > 0) throw new BusError(what, sd.getErrno(answer), ...errorOf(answer));
      return body(answer);
    } finally {
      sd.messageUnref(answer);
    }
  }

  /** The name and the text of an error, struct sd_bus_error. */
  function errorOf(answer: number): [name: string, message: string] {
    const error = new Uint8Array(16);
    sd.copy(error, Number(sd.getError(answer)), error.length);
    const text = (offset: number): string => sd.text(Number(viewOf(error).getBigUint64(offset, true)));
    return [text(0), text(8)];
  }

  return {
    call: (object, member, args, reads = '') => callMethod(object, member, args, (answer) => read(answer, reads)),
    stringProperty(object, name) {
      const properties = { ...object, interface: 'org.freedesktop.DBus.Properties' };
      const args: readonly BusValue[] = [
        { type: 's', value: object.interface },
        { type: 's', value: name },
      ];
      return callMethod(properties, 'Get', args, (answer) => {
        check(`read ${object.interface}.${name}`, sd.enterContainer(answer, 'v'.charCodeAt(0), 's'));
        return String(read(answer, 's')[0]);
      });
    },
    match(rule) {
      check(`watch for ${rule}`, sd.addMatch(bus, 0, rule, 0, 0));
    },
    waitForSignal(object, member, reads, accept, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const message = early.shift() ?? receive(`wait for ${object.interface}.${member}`, deadline);
        if (message === undefined) return undefined;
        try {
          if (sd.messageIsSignal(message, object.interface, member) <= 0) continue;
          const values = read(message, reads);
          if (accept(values)) return values;
        } finally {
          sd.messageUnref(message);
        }
      }
    },
    close() {
      for (const message of early.splice(0)) sd.messageUnref(message);
      sd.flushCloseUnref(bus);
    },
  };
}

/** A signal only makes us look again. */
const uninterrupted = (result: number): number => (result === -ERRNO.EINTR ? 0 : result);
