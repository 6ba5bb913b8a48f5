/**
 * D-Bus through libsystemd's sd-bus (sd-bus(3)), as far as a client of systemd needs it. It is loaded when systemd is
 * to make a container's cgroup, so a machine without libsystemd runs all other containers. Only functions without
 * variadic arguments and callbacks are called. Pointers are passed as integers.
 */

import type { Libc } from '../libc.ts';
import { bindings, SONAME } from './bindings.ts';
import { type Bus, type BusAddress, BusError, type BusObject, check } from './bus.ts';
import { BusConnection } from './connection.ts';
import { append, errorOf, readBasics } from './message.ts';
import type { BusValue } from './values.ts';

/** @throws BusError, or Error where the library is missing */
export function connectBus(libc: Libc, address: BusAddress, soname: string = SONAME): Bus {
  const sd = bindings(libc, soname);
  const connection = new BusConnection(sd, address);

  /** Calls a method and hands its answer to `body`. */
  function callMethod<T>(object: BusObject, member: string, args: readonly BusValue[], body: (answer: number) => T): T {
    const what = `${object.interface}.${member}`;
    const message = connection.methodCall(object.destination, object.path, object.interface, member);
    let answer: number;
    try {
      for (const value of args) append(sd, message, value);
      answer = connection.ask(what, message);
    } finally {
      sd.messageUnref(message);
    }
    try {
      if (sd.messageIsError(answer, null) > 0) throw new BusError(what, sd.getErrno(answer), ...errorOf(sd, answer));
      return body(answer);
    } finally {
      sd.messageUnref(answer);
    }
  }

  return {
    call: (object, member, args, reads = '') =>
      callMethod(object, member, args, (answer) => readBasics(sd, answer, reads)),
    stringProperty(object, name) {
      const properties = { ...object, interface: 'org.freedesktop.DBus.Properties' };
      const args: readonly BusValue[] = [
        { type: 's', value: object.interface },
        { type: 's', value: name },
      ];
      return callMethod(properties, 'Get', args, (answer) => {
        check(`read ${object.interface}.${name}`, sd.enterContainer(answer, 'v'.charCodeAt(0), 's'));
        return String(readBasics(sd, answer, 's')[0]);
      });
    },
    match: (rule) => connection.addMatch(rule),
    waitForSignal(object, member, reads, accept, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const message = connection.nextSignal(`wait for ${object.interface}.${member}`, deadline);
        if (message === undefined) return undefined;
        try {
          if (sd.messageIsSignal(message, object.interface, member) <= 0) continue;
          const values = readBasics(sd, message, reads);
          if (accept(values)) return values;
        } finally {
          sd.messageUnref(message);
        }
      }
    },
    close: () => connection.close(),
  };
}
