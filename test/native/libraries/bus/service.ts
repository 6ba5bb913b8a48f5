/** The other side of sd-bus, for test doubles: a process that answers method calls. */

import assert from 'node:assert/strict';
import type { Libc } from '../../../../native/libraries/libc.ts';

/** What came: values of any type as JSON, variants as their value. */
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
  /** Serves for good. */
  serve(handle: (request: Request) => void): never;
}

export function ownName(libc: Libc, address: string, name: string): Service {
  const library = libc.koffi.load('libsystemd.so.0');
  const own = libc.koffi.load(null);
  const [P, M, S, I, U] = ['int64_t', 'void *', 'str', 'int', 'uint64_t'] as const;
  const fn = (symbol: string, ...args: readonly string[]) => {
    const declared = library.func(`sd_bus_${symbol}`, I, args);
    return (...values: readonly unknown[]): number => {
      const result: number = declared(...values);
      assert.ok(result >= 0, `${symbol}: ${result}`);
      return result;
    };
  };
  const textOf = (symbol: string, message: number): string =>
    library.func(`sd_bus_message_${symbol}`, S, [P])(message) ?? '';
  const strlen = own.func('strlen', U, [P]);
  const memcpy = own.func('memcpy', P, [M, P, U]);
  const slot = new Uint8Array(8);
  const second = new Uint8Array(8);
  const word = (bytes: Uint8Array): number => Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = (at: number): string => {
    if (at === 0) return '';
    const bytes = new Uint8Array(Number(strlen(at)));
    if (bytes.length > 0) memcpy(bytes, at, bytes.length);
    return new TextDecoder().decode(bytes);
  };

  fn('new', M)(slot);
  const bus = word(slot);
  fn('set_address', P, S)(bus, address);
  fn('set_bus_client', P, I)(bus, 1);
  fn('start', P)(bus);
  fn('request_name', P, S, U)(bus, name, 0);

  const peek = fn('message_peek_type', P, M, M);
  const enter = fn('message_enter_container', P, 'char', S);
  const exit = fn('message_exit_container', P);
  const readBasic = fn('message_read_basic', P, 'char', M);
  const appendString = fn('message_append_basic', P, 'char', S);
  const appendBytes = fn('message_append_basic', P, 'char', M);
  const open = fn('message_open_container', P, 'char', S);
  const close = fn('message_close_container', P);
  const send = fn('send', P, P, M);
  const unref = library.func('sd_bus_message_unref', P, [P]);

  /** The values up to the end of the container that is being read. */
  function values(message: number): unknown[] {
    const found: unknown[] = [];
    for (;;) {
      slot.fill(0);
      if (peek(message, slot, second) === 0) return found;
      const type = String.fromCharCode(slot[0] ?? 0);
      const contents = text(word(second));
      if (type === 'a' || type === 'r' || type === 'v') {
        enter(message, type.charCodeAt(0), contents);
        const inner = values(message);
        exit(message);
        found.push(type === 'v' ? inner[0] : inner);
        continue;
      }
      const memory = new Uint8Array(8);
      readBasic(message, type.charCodeAt(0), memory);
      const view = new DataView(memory.buffer);
      if (type === 's' || type === 'o') found.push(text(word(memory)));
      else if (type === 'b') found.push(view.getInt32(0, true) !== 0);
      else if (type === 'y') found.push(view.getUint8(0));
      else if (type === 'u') found.push(view.getUint32(0, true));
      else if (type === 'i') found.push(view.getInt32(0, true));
      else found.push(String(view.getBigUint64(0, true)));
    }
  }

  function append(message: number, types: string, items: readonly (string | number)[]): void {
    [...types].forEach((type, i) => {
      const value = items[i] ?? '';
      if (type === 'v') {
        open(message, 'v'.charCodeAt(0), 's');
        appendString(message, 's'.charCodeAt(0), String(value));
        close(message);
      } else if (typeof value === 'number') {
        const memory = new Uint8Array(8);
        new DataView(memory.buffer).setUint32(0, value, true);
        appendBytes(message, type.charCodeAt(0), memory);
      } else appendString(message, type.charCodeAt(0), value);
    });
  }

  const process = fn('process', P, M);
  const wait = fn('wait', P, U);
  return {
    signal(path, iface, member, types, ...items) {
      fn('message_new_signal', P, M, S, S, S)(bus, slot, path, iface, member);
      const message = word(slot);
      append(message, types, items);
      send(bus, message, null);
      unref(message);
    },
    serve(handle) {
      for (;;) {
        slot.fill(0);
        const worked = process(bus, slot);
        const call = word(slot);
        if (call !== 0) {
          if (library.func('sd_bus_message_is_method_call', I, [P, S, S])(call, null, null) > 0)
            handle({
              interface: textOf('get_interface', call),
              member: textOf('get_member', call),
              args: values(call),
              reply(types, ...items) {
                fn('message_new_method_return', P, M)(call, slot);
                const reply = word(slot);
                append(reply, types, items);
                send(bus, reply, null);
                unref(reply);
              },
              fail(error, message) {
                const encode = (string: string) => new TextEncoder().encode(`${string}\0`);
                const [nameBytes, messageBytes] = [encode(error), encode(message)];
                const struct = new Uint8Array(24);
                new DataView(struct.buffer).setBigUint64(0, libc.koffi.address(nameBytes), true);
                new DataView(struct.buffer).setBigUint64(8, libc.koffi.address(messageBytes), true);
                fn('message_new_method_error', P, M, M)(call, slot, struct);
                const reply = word(slot);
                send(bus, reply, null);
                unref(reply);
              },
            });
          unref(call);
        }
        if (worked === 0 && call === 0) wait(bus, 2n ** 64n - 1n);
      }
    },
  };
}
