/** Kinds of arguments. A kind shows an argument of a call, and never throws, whatever it is given. */

import { SIGNALS } from '../constants/signal.ts';
import type { Memory, Out, Struct } from '../kernel/kernel.ts';
import type { SeenArg } from '../performers/recording.ts';
import { type Flags, flagNames, memberName } from './names.ts';
import { hex, integer, octal, preview, type Shown, Word } from './shown.ts';

/** The call that an argument belongs to. */
export interface Seen {
  readonly args: readonly SeenArg[];
  readonly result: number | undefined;
}

/** @returns undefined where the argument is not shown, since the kernel does not look at it */
export type Kind = (arg: SeenArg, seen: Seen) => Shown | undefined;

/** Shows an argument of any kind. */
export const any: Kind = (arg) => {
  if (arg === null || typeof arg === 'string') return arg;
  if (isInteger(arg)) return integer(arg);
  if (typeof arg === 'number') return new Word(String(arg));
  if (arg instanceof Uint8Array) return preview(arg);
  return new Word(`${arg.kind}[${arg.bytes.length}]`);
};

const isInteger = (arg: SeenArg): arg is number | bigint => typeof arg === 'bigint' || Number.isSafeInteger(arg);

/** A kind for integers. `any` shows other arguments. */
export const ofNumber =
  (show: (value: number | bigint) => Shown): Kind =>
  (arg, seen) =>
    isInteger(arg) ? show(arg) : any(arg, seen);

/** A kind for memory that the caller fills. */
export const ofBytes =
  (minimum: number, show: (view: DataView, bytes: Uint8Array) => Shown): Kind =>
  (arg, seen) => {
    const bytes = bytesOf(arg);
    if (bytes === undefined || bytes.length < minimum) return any(arg, seen);
    return show(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes);
  };

/** A kind for memory that the kernel fills. It is shown if the call succeeded. */
export const ofAnswer = (minimum: number, show: (view: DataView, bytes: Uint8Array) => Shown): Kind => {
  const kind = ofBytes(minimum, show);
  return (arg, seen) => (seen.result !== undefined && seen.result >= 0 ? kind(arg, seen) : any(arg, seen));
};

export const bytesOf = (arg: SeenArg | Memory): Uint8Array | undefined => {
  if (arg instanceof Uint8Array) return arg;
  return isStructured(arg) ? arg.bytes : undefined;
};
export const isStructured = (arg: SeenArg | Memory): arg is Out | Struct =>
  typeof arg === 'object' && arg !== null && !(arg instanceof Uint8Array);

export const int = ofNumber(integer);
export const mask = ofNumber(hex);
export const mode = ofNumber(octal);
/** A path, or any other string. It is never cut. */
export const path: Kind = any;
export const flags = (prefix: string, table: Flags): Kind => ofNumber((value) => flagNames(prefix, table, value));
export const member = (prefix: string, table: Flags): Kind => ofNumber((value) => memberName(prefix, table, value));
export const signal = ofNumber((value) => (value === 0 ? 0 : memberName('', SIGNALS, value)));
export const dirfd = ofNumber((value) => (value === -100 ? new Word('AT_FDCWD') : integer(value)));

/** Data that the caller wrote. */
export const data: Kind = ofBytes(0, (_, bytes) => preview(bytes));
/** Data that the kernel wrote. The call's result says how many bytes it is. */
export const answered: Kind = (arg, seen) => {
  const bytes = bytesOf(arg);
  const { result } = seen;
  return bytes === undefined || result === undefined || result < 0
    ? any(arg, seen)
    : preview(bytes.subarray(0, result));
};
/** Data that must not be in a trace. */
export const secret: Kind = ofBytes(0, (_, bytes) => new Word(`/* ${bytes.length} bytes */`));

/** A kind that depends on another argument of the call. */
export const depends =
  (on: number, choose: (value: number) => Kind): Kind =>
  (arg, seen) => {
    const value = seen.args[on];
    return choose(typeof value === 'number' ? value : -1)(arg, seen);
  };
export const unused: Kind = () => undefined;
