/** Takes times in turn, so that whatever else the machine does affects every runtime alike. */

export interface Sample {
  readonly name: string;
  /** Does once what is timed. */
  run(): void;
  /** Restores what it needs, untimed. */
  between?(): void;
}

export interface Figures {
  readonly name: string;
  /** Milliseconds. */
  readonly median: number;
  readonly best: number;
}

/**
 * @param pause before each sample, in ms. After a command has ended, the kernel still works for it for a while
 * (namespaces, cgroups, RCU), and processors fall asleep.
 * @returns figures in the order of the samples
 */
export function measure(samples: readonly Sample[], rounds: number, pause = 0): readonly Figures[] {
  const times = samples.map((): number[] => []);
  for (let round = -2; round < rounds; round++) {
    samples.forEach((sample, i) => {
      if (pause > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      const start = performance.now();
      sample.run();
      const took = performance.now() - start;
      sample.between?.();
      // The first two rounds only warm the caches.
      if (round >= 0) times[i]?.push(took);
    });
  }
  return samples.map(({ name }, i) => ({
    name,
    median: quantile(times[i] ?? [], 0.5),
    best: quantile(times[i] ?? [], 0),
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
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = figures.map((one) =>
    row([one.name, one.median.toFixed(1), one.best.toFixed(1), ...against.map((other) => ratio(one, other))]),
  );
  return [
    row([`${title}, ms`, 'median', 'best', ...against.map((name) => `/ ${name}`)]),
    row(['---', '---', '---', ...against.map(() => '---')]),
    ...rows,
  ].join('\n');
}
