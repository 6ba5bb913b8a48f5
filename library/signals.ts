/** Signals as a program names them. */

import { SIGNALS } from '../native/constants/signal.ts';
import { InvalidArgumentError } from './errors.ts';

/** `SIGTERM` */
export type SignalName = keyof typeof SIGNALS;

type WithoutPrefix<Name extends string> = Name extends `SIG${infer Short}` ? Short : never;

/** `SIGTERM`, `TERM`, or a number from 1 to 64. */
export type Signal = SignalName | WithoutPrefix<SignalName> | number;

/** The last real-time signal of Linux. */
const LAST = 64;

/** @throws InvalidArgumentError for what is no signal: a request with it would do nothing */
export function signalNumber(signal: Signal): number {
  const number = typeof signal === 'number' ? signal : numberOf(String(signal));
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > LAST)
    throw new InvalidArgumentError(
      `there is no signal ${JSON.stringify(String(signal))}: give a name or a number from 1 to 64`,
    );
  return number;
}

const numberOf = (name: string): number | undefined =>
  Object.entries(SIGNALS).find(([known]) => known === name || known === `SIG${name}`)?.[1];
