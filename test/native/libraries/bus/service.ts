/** The other side of sd-bus, for test doubles: a process that answers method calls. */

import assert from 'node:assert/strict';
import type { Libc } from '../../../../native/libraries/libc.ts';

/** A method call that came. Its arguments are JSON values; a variant is its value. */
export interface Request {
  readonly interface: string;
  readonly member: string;
  readonly args: readonly unknown[];
  /** Answers with strings of these types, `o` or `s` or `v` (a variant with a string). */
  reply(types: string, ...values: readonly string[]): void;
  fail(name: string, message: string): void;
}

export interface Service {
  /** Sends a signal: `u` takes a number, the others a string. */
  signal(path: string, iface: string, member: string, types: string, ...values: readonly (string | number)[]): void;
  /** Serves without end. */
  serve(handle: (request: Request) => void): never;
}

/** Connects to a bus, and owns a name on it. */
export function ownName(libc: Libc, address: string, name: string): Service {
  const sd = declarations(libc);
  const slot = new Uint8Array(8);
  sd.fn('new', M)(slot);
  const bus = word(slot);
  sd.fn('set_address', P, S)(bus, address);
  sd.fn('set_bus_client', P, I)(bus, 1);
  sd.fn('start', P)(bus);
  sd.fn('request_name', P, S, U)(bus, name, 0);

  const process = sd.fn('process', P, M);
  const wait = sd.fn('wait', P, U);
  return {
    signal(path, iface, member, types, ...items) {
      sd.fn('message_new_signal', P, M, S, S, S)(bus, slot, path, iface, member);
      const message = word(slot);
      append(sd, message, types, items);
      send(sd, bus, message);
    },
    serve(handle) {
      for (;;) {
        slot.fill(0);
        const worked = process(bus, slot);
        const call = word(slot);
        if (call !== 0) {
          if (sd.isMethodCall(call, null, null) > 0) handle(requestOf(libc, sd, bus, call));
          sd.unref(call);
        }
        if (worked === 0 && call === 0) wait(bus, 2n ** 64n - 1n);
      }
    },
  };
}

const [P, M, S, I, U] = ['int64_t', 'void *', 'str', 'int', 'uint64_t'] as const;

type Declarations = ReturnType<typeof declarations>;

function declarations(libc: Libc) {
  const library = libc.koffi.load('libsystemd.so.0');
  const own = libc.koffi.load(null);
  /** A function that fails the test where it answers an error. */
  const fn = (symbol: string, ...args: readonly string[]) => {
    const declared = library.func(`sd_bus_${symbol}`, I, args);
    return (...values: readonly unknown[]): number => {
      const result: number = declared(...values);
      assert.ok(result >= 0, `${symbol}: ${result}`);
      return result;
    };
  };
  const strlen = own.func('strlen', U, [P]);
  const memcpy = own.func('memcpy', P, [M, P, U]);
  return {
    fn,
    isMethodCall: library.func('sd_bus_message_is_method_call', I, [P, S, S]),
    unref: library.func('sd_bus_message_unref', P, [P]),
    textOf: (symbol: string, message: number): string =>
      library.func(`sd_bus_message_${symbol}`, S, [P])(message) ?? '',
    text(at: number): string {
      if (at === 0) return '';
      const bytes = new Uint8Array(Number(strlen(at)));
      if (bytes.length > 0) memcpy(bytes, at, bytes.length);
      return new TextDecoder().decode(bytes);
    },
    peek: fn('message_peek_type', P, M, M),
    enter: fn('message_enter_container', P, 'char', S),
    exit: fn('message_exit_container', P),
    readBasic: fn('message_read_basic', P, 'char', M),
    appendString: fn('message_append_basic', P, 'char', S),
    appendBytes: fn('message_append_basic', P, 'char', M),
    open: fn('message_open_container', P, 'char', S),
    close: fn('message_close_container', P),
    send: fn('send', P, P, M),
  };
}

const word = (bytes: Uint8Array): number => Number(new DataView(bytes.buffer).getBigUint64(0, true));

function requestOf(libc: Libc, sd: Declarations, bus: number, call: number): Request {
  const slot = new Uint8Array(8);
  return {
    interface: sd.textOf('get_interface', call),
    member: sd.textOf('get_member', call),
    args: values(sd, call),
    reply(types, ...items) {
      sd.fn('message_new_method_return', P, M)(call, slot);
      const reply = word(slot);
      append(sd, reply, types, items);
      send(sd, bus, reply);
    },
    fail(error, message) {
      const encode = (string: string) => new TextEncoder().encode(`${string}\0`);
      const [nameBytes, messageBytes] = [encode(error), encode(message)];
      const struct = new Uint8Array(24);
      new DataView(struct.buffer).setBigUint64(0, libc.koffi.address(nameBytes), true);
      new DataView(struct.buffer).setBigUint64(8, libc.koffi.address(messageBytes), true);
      sd.fn('message_new_method_error', P, M, M)(call, slot, struct);
      send(sd, bus, word(slot));
    },
  };
}

function send(sd: Declarations, bus: number, message: number): void {
  sd.send(bus, message, null);
  sd.unref(message);
}

/** The values up to the end of the container that is being read. */
function values(sd: Declarations, message: number): unknown[] {
  const found: unknown[] = [];
  const slot = new Uint8Array(8);
  const second = new Uint8Array(8);
  for (;;) {
    slot.fill(0);
    if (sd.peek(message, slot, second) === 0) return found;
    const type = String.fromCharCode(slot[0] ?? 0);
    const contents = sd.text(word(second));
    if (type === 'a' || type === 'r' || type === 'v') {
      sd.enter(message, type.charCodeAt(0), contents);
      const inner = values(sd, message);
      sd.exit(message);
      found.push(type === 'v' ? inner[0] : inner);
      continue;
    }
    const memory = new Uint8Array(8);
    sd.readBasic(message, type.charCodeAt(0), memory);
    const view = new DataView(memory.buffer);
    if (type === 's' || type === 'o') found.push(sd.text(word(memory)));
    else if (type === 'b') found.push(view.getInt32(0, true) !== 0);
    else if (type === 'y') found.push(view.getUint8(0));
    else if (type === 'u') found.push(view.getUint32(0, true));
    else if (type === 'i') found.push(view.getInt32(0, true));
    else found.push(String(view.getBigUint64(0, true)));
  }
}

function append(sd: Declarations, message: number, types: string, items: readonly (string | number)[]): void {
  [...types].forEach((type, i) => {
    const value = items[i] ?? '';
    if (type === 'v') {
      sd.open(message, 'v'.charCodeAt(0), 's');
      sd.appendString(message, 's'.charCodeAt(0), String(value));
      sd.close(message);
    } else if (typeof value === 'number') {
      const memory = new Uint8Array(8);
      new DataView(memory.buffer).setUint32(0, value, true);
      sd.appendBytes(message, type.charCodeAt(0), memory);
    } else sd.appendString(message, type.charCodeAt(0), value);
  });
}
