/** Parses the formats of cgroup files. Pure. */

import type { Wide } from '../../../spec/types.ts';
import type { BlkioEntry, Pressure, PressureEntry } from './types.ts';

/** A file's text by its controller and name; undefined where there is no such file. */
export type Texts = (controller: string, file: string) => string | undefined;

const UINT64_MAX = 2n ** 64n - 1n;

/** An unsigned number. `max` is 2^64-1. Negative numbers, which some kernels show by mistake, are 0. */
export function wide(text: string): Wide {
  const trimmed = text.trim();
  if (trimmed === 'max') return UINT64_MAX;
  return /^-?\d+$/.test(trimmed) ? narrow(BigInt(trimmed)) : 0;
}

const narrow = (value: bigint): Wide =>
  value < 0n ? 0 : value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

export const sum = (a: Wide, b: Wide): Wide => narrow(BigInt.asUintN(64, BigInt(a) + BigInt(b)));
export const times = (a: Wide, factor: number): Wide => narrow(BigInt.asUintN(64, BigInt(a) * BigInt(factor)));
export const isMax = (value: Wide): boolean => BigInt(value) === UINT64_MAX;

/** The fields that are not zero: Go's `omitempty` keeps just these. */
export function nonZero<T extends Readonly<Record<string, Wide>>>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => BigInt(value) !== 0n)) as Partial<T>;
}

/** Lines of `key value`. */
export function keyValues(text: string): Readonly<Record<string, Wide>> {
  const values: Record<string, Wide> = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values[line.slice(0, space)] = wide(line.slice(space + 1));
  }
  return values;
}

/**
 * Pressure stall information: a line `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and a line `full`. A line that
 * is all zeros is left out.
 * @returns undefined where there is no such file
 */
export function pressure(text: string | undefined): Pressure | undefined {
  const entries: { some?: PressureEntry; full?: PressureEntry } = {};
  for (const line of (text ?? '').split('\n')) {
    const [kind, ...fields] = line.split(' ');
    if (kind !== 'some' && kind !== 'full') continue;
    const values = new Map(
      fields.map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
    );
    const average = (name: string): number => Number(values.get(name) ?? 0);
    const entry = {
      avg10: average('avg10'),
      avg60: average('avg60'),
      avg300: average('avg300'),
      total: wide(values.get('total') ?? '0'),
    };
    if (Object.values(entry).some((value) => BigInt(Math.ceil(Number(value))) !== 0n)) entries[kind] = entry;
  }
  return text === undefined ? undefined : entries;
}

/** A list of numbers and ranges: `0-2,5`. */
export const numberList = (text: string): readonly number[] =>
  text
    .trim()
    .split(',')
    .flatMap((part) => {
      if (part === '') return [];
      const [from = 0, to = from] = part.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });

/** Lines of v1's blkio files: `8:0 Read 1282048` and `8:0 6792`. The line `Total` is left out. */
export const blkioEntries = (text: string): readonly BlkioEntry[] =>
  text.split('\n').flatMap((line) => {
    const [major, minor, ...rest] = line.split(/[ :]/).filter((part) => part !== '');
    const value = rest.at(-1);
    if (major === undefined || minor === undefined || value === undefined) return [];
    const op = rest.length > 1 ? { op: rest[0] ?? '' } : {};
    const numbers = nonZero({ major: wide(major), minor: wide(minor) });
    return [{ ...numbers, ...op, ...nonZero({ value: wide(value) }) }];
  });
