/** Finds the names of constants, in the groups of native/constants. */

import { O } from '../constants/files.ts';
import { hex, integer, type Shown, Word } from './shown.ts';

export type Flags = Readonly<Record<string, number>>;

const named = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}_${name}`);

/** A set of flags: `CLONE_NEWNS|CLONE_NEWPID`. Flags without a name are one number at the end; no flags are `0`. */
export function flagNames(prefix: string, table: Flags, value: number | bigint): Shown {
  let rest = BigInt.asUintN(64, BigInt(value));
  if (rest === 0n) return 0;
  const found: string[] = [];
  // A mask of several bits comes before the flags that it is made of.
  const entries = Object.entries(table).sort(([, a], [, b]) => bits(b) - bits(a));
  for (const [name, number] of entries) {
    const flag = BigInt(number);
    if (flag === 0n || (rest & flag) !== flag) continue;
    found.push(named(prefix, name));
    rest &= ~flag;
  }
  if (rest !== 0n) found.push(hex(rest).text);
  return new Word(found.join('|'));
}

const bits = (flag: number): number => flag.toString(2).replaceAll('0', '').length;

/** One of a list of values. */
export function memberName(prefix: string, table: Flags, value: number | bigint): Shown {
  const found = Object.entries(table).find(([, member]) => member === Number(value));
  return found === undefined ? integer(value) : new Word(named(prefix, found[0]));
}

const { RDONLY: _, WRONLY, RDWR, ...OPEN_FLAGS } = O;

/** Flags of open(2). The access mode comes first: it is a number, and no set of flags. */
export function openFlags(value: number | bigint): Shown {
  const bitsOf = BigInt.asUintN(64, BigInt(value));
  const access = Number(bitsOf & 3n);
  const rest = flagNames('O', OPEN_FLAGS, bitsOf & ~3n);
  const first = access === WRONLY ? 'O_WRONLY' : access === RDWR ? 'O_RDWR' : 'O_RDONLY';
  if (!(rest instanceof Word)) return new Word(first);
  return bitsOf & BigInt(O.PATH) && access === 0 ? rest : new Word(`${first}|${rest.text}`);
}
