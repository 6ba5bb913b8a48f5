/** A connection to D-Bus, as far as a client of systemd needs it. */

import { errnoName, errnoText } from '../../constants/errno.ts';
import type { BusValue } from './values.ts';

/** A service answered with an error, or could not be asked. */
export class BusError extends Error {
  override readonly name = 'BusError';
  /** The name of the D-Bus error: `org.freedesktop.systemd1.UnitExists`. Empty where the bus itself failed. */
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
   * @param reads the types of the answer's first values, which are returned. Only basic types
   * @throws BusError
   */
  call(object: BusObject, member: string, args: readonly BusValue[], reads?: string): readonly Basic[];
  /** Reads a property that is a string. @throws BusError */
  stringProperty(object: BusObject, name: string): string;
  /** Asks the bus to deliver the signals that fit a rule. @throws BusError */
  match(rule: string): void;
  /**
   * Waits for a signal whose values `accept` accepts. It may have come already, since `match`.
   * @returns the signal's values, or undefined when the time is up
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

export interface BusAddress {
  /** `unix:path=/run/dbus/system_bus_socket` */
  readonly address: string;
  /** The other end is the service itself, without a bus daemon between. */
  readonly direct?: boolean;
}

/** What a function of the library returned. @throws BusError where that is a negative errno */
export function check(what: string, result: number): number {
  if (result < 0) throw new BusError(what, -result);
  return result;
}
