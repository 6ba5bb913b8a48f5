/** Short ways to write D-Bus values and properties of units. */

import { type BusValue, signatureOf } from '../../../native/libraries/bus/values.ts';

export const str = (value: string): BusValue => ({ type: 's', value });
export const bool = (value: boolean): BusValue => ({ type: 'b', value });
export const u64 = (value: number | bigint): BusValue => ({ type: 't', value: BigInt.asUintN(64, BigInt(value)) });
export const array = (of: string, items: readonly BusValue[]): BusValue => ({ type: 'a', of, items });
export const byteArray = (bytes: readonly number[]): BusValue =>
  array(
    'y',
    bytes.map((value) => ({ type: 'y', value }) as const),
  );
export const pair = (first: string, second: string): BusValue => ({ type: 'r', fields: [str(first), str(second)] });

/** The value that systemd takes for infinity. */
export const INFINITY = 2n ** 64n - 1n;

/** A property of a unit with its value, of type `(sv)`. */
export const property = (name: string, value: BusValue): BusValue => ({
  type: 'r',
  fields: [str(name), { type: 'v', value }],
});

/** A property as text for people, `CPUWeight=t 59`: for messages and tests. */
export function propertyText(value: BusValue): string {
  if (value.type !== 'r') return valueText(value);
  const [name, variant] = value.fields;
  return name?.type === 's' && variant?.type === 'v' ? `${name.value}=${valueText(variant.value)}` : valueText(value);
}

function valueText(value: BusValue): string {
  switch (value.type) {
    case 'a':
      return `[${value.items.map(valueText).join(', ')}]`;
    case 'r':
      return `(${value.fields.map(valueText).join(', ')})`;
    case 'v':
      return `<${valueText(value.value)}>`;
    case 's':
      return JSON.stringify(value.value);
    case 'b':
      return String(value.value);
    default:
      return `${signatureOf(value)} ${value.value}`;
  }
}
