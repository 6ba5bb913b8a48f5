/** Takes times in turn, so that whatever else the machine does affects every runtime alike. */

import type { Took } from './stopwatch.ts';

export interface Sample {
  readonly name: string;
  /** Does once what is timed. */
  run(): Took;
  /** Restores what it needs, untimed. */
  between?(): void;
  /** The processor time that a server has spent so far, in ms, if one works for what is timed. */
  serversTime?(): number;
}

export interface Figures {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly best: number;
  /** Processor time in ms, of what was started and of its server, on average. */
  readonly processor?: number;
}

/**
 * @param pause before each sample, in ms. After a command has ended, the kernel still works for it for a while
 * (namespaces, cgroups, RCU), and processors fall asleep.
 * @returns figures in the order of the samples
 */
export function measure(samples: readonly Sample[], rounds: number, pause = 0): readonly Figures[] {
  const times = samples.map((): number[] => []);
  const spent = samples.map(() => 0);
  for (let round = -2; round < rounds; round++) {
    samples.forEach((sample, i) => {
      if (pause > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      const before = sample.serversTime?.() ?? 0;
      const { wall, processor } = sample.run();
      const servers = (sample.serversTime?.() ?? 0) - before;
      sample.between?.();
      // The first two rounds only warm the caches.
      if (round < 0) return;
      times[i]?.push(wall);
      spent[i] = (spent[i] ?? 0) + processor + servers;
    });
  }
  return samples.map(({ name }, i) => ({
    name,
    median: quantile(times[i] ?? [], 0.5),
    best: quantile(times[i] ?? [], 0),
    processor: (spent[i] ?? 0) / rounds,
  }));
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
}

/** A table in Markdown: a row for each runtime, with its ratio to each runtime that `against` names. */
export function table(title: string, figures: readonly Figures[], against: readonly string[]): string {
  const ratio = (own: Figures, other: string): string => {
    const base = figures.find(({ name }) => name === other);
    return base === undefined || base === own ? '' : (own.median / base.median).toFixed(2);
  };
  const rows = figures.map((one) =>
    row([
      ...[one.name, one.median.toFixed(1), one.best.toFixed(1), one.processor?.toFixed(1) ?? ''],
      ...against.map((other) => ratio(one, other)),
    ]),
  );
  const heads = ['median', 'best', 'processor', ...against.map((name) => `/ ${name}`)];
  return [row([`${title}, ms`, ...heads]), row(['---', ...heads.map(() => '---')]), ...rows].join('\n');
}

/** A line of a table in Markdown. */
export const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
