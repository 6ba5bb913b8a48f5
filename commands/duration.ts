/** Reads durations as Go writes them: `5s`, `1m30s`, `1.5h`, `100ms`. Pure. */

import { UsageError } from './line.ts';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** @returns milliseconds. @throws UsageError with runc's text */
export function duration(text: string, flag: string): number {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest))
    throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}: parse error`);
  let total = 0;
  for (const [, number, unit = ''] of rest.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(number) * (MILLISECONDS[unit] ?? 0);
  return sign === '-' ? -total : total;
}
