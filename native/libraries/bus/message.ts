/** Writes values to D-Bus messages, and reads them (sd_bus_message_append_basic(3)). */

import { viewOf } from '../../kernel/struct.ts';
import type { SdBus } from './bindings.ts';
import { type Basic, check } from './bus.ts';
import { type BusValue, fromBytes, isInteger, signatureOf, toBytes } from './values.ts';

/** Adds a value to a message. @throws BusError */
export function append(sd: SdBus, message: number, value: BusValue): void {
  const what = 'build a D-Bus message';
  const within = (type: string, contents: string, items: readonly BusValue[]): void => {
    check(what, sd.openContainer(message, type.charCodeAt(0), contents));
    for (const item of items) append(sd, message, item);
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

/** Reads the next values of a message. @param types a letter for each, only basic ones. @throws BusError */
export function readBasics(sd: SdBus, message: number, types: string): readonly Basic[] {
  return [...types].map((type) => {
    const memory = new Uint8Array(8);
    check(`read ${type} from a D-Bus message`, sd.readBasic(message, type.charCodeAt(0), memory));
    if (isInteger(type) || type === 'b' || type === 'd') return fromBytes(type, memory);
    return sd.text(Number(viewOf(memory).getBigUint64(0, true)));
  });
}

/** The name and the text of an answer that is an error (struct sd_bus_error). */
export function errorOf(sd: SdBus, answer: number): [name: string, message: string] {
  const error = new Uint8Array(16);
  sd.copy(error, Number(sd.getError(answer)), error.length);
  const text = (offset: number): string => sd.text(Number(viewOf(error).getBigUint64(offset, true)));
  return [text(0), text(8)];
}
