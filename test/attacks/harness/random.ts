/** What a try does by chance, all from one seed. */

import { generator } from '../../integration/generator.ts';

export interface Random {
  /** From 0 to 1. */
  next(): number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(all: readonly [T, ...T[]] | readonly T[]): T;
  /** Some of them, each at most once, in random order. */
  some<T>(all: readonly T[], count: number): T[];
  bytes(count: number): Buffer;
}

export function randomFrom(seed: number): Random {
  const next = generator(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick<T>(all: readonly T[]): T {
      if (all.length === 0) throw new Error('nothing to pick from');
      return all[below(all.length)] as T;
    },
    some<T>(all: readonly T[], count: number): T[] {
      const left = [...all];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)).flat();
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
