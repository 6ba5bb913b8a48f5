/**
 * Counts what a test run reported, and keeps what is printed at its end. A suite counts only if it was skipped as a
 * whole, or if it failed by itself (by a hook, for example) and not by its tests.
 */
import { relative } from 'node:path';
import type { Report } from './reporter.ts';

export interface Failure {
  /** The file, the line, and the names of the suites and the test. */
  readonly title: string;
  readonly text: string;
}

export interface Tally {
  passed: number;
  readonly failures: Failure[];
  /** The tests that were skipped, by the reason. */
  readonly skipped: Map<string, string[]>;
}

export function emptyTally(): Tally {
  return { passed: 0, failures: [], skipped: new Map() };
}

export function skip(tally: Tally, title: string, reason: string): void {
  const because = reason === '' ? 'no reason given' : reason;
  tally.skipped.set(because, [...(tally.skipped.get(because) ?? []), title]);
}

/**
 * @param where the beginning of all titles, for tests on another machine
 * @returns a function to call with each report, in order
 */
export function counter(tally: Tally, root: string, where = ''): (report: Report) => void {
  const names = new Map<string, string[]>();
  const failedInside = new Map<string, number>();
  const output = new Map<string, string>();
  return (report) => {
    if (report.kind === 'sign') return;
    const path = names.get(report.file) ?? [];
    names.set(report.file, path);
    if (report.kind === 'output') {
      output.set(report.file, (output.get(report.file) ?? '') + report.text);
      return;
    }
    path.length = report.nesting;
    path[report.nesting] = report.name;
    if (report.kind === 'start') return;

    const title = [`${where}${relative(root, report.file)}:${report.line}`, ...path].join(' > ');
    const key = (nesting: number) => `${nesting} ${report.file}`;
    const inside = failedInside.get(key(report.nesting + 1)) ?? 0;
    failedInside.set(key(report.nesting + 1), 0);
    if (report.skipped !== undefined) return skip(tally, title, report.skipped);
    if (report.failure === undefined) {
      if (!report.suite) tally.passed++;
      return;
    }
    failedInside.set(key(report.nesting), (failedInside.get(key(report.nesting)) ?? 0) + 1);
    // The tests inside have said what failed.
    if (inside > 0) return;
    const printed = output.get(report.file) ?? '';
    tally.failures.push({
      title,
      text: printed === '' ? report.failure : `${report.failure}\n--- printed:\n${printed}`,
    });
  };
}

/** The closing lines: failures, reasons of skips, and the one line of numbers. */
export function summary({ passed, failures, skipped }: Tally): string[] {
  const all = [...skipped.values()].reduce((sum, titles) => sum + titles.length, 0);
  return [
    ...failures.flatMap(({ title, text }) => ['', `FAILED ${title}`, text.replace(/^/gm, '  ')]),
    ...(skipped.size > 0 ? ['', 'Skipped:'] : []),
    ...[...skipped].map(([reason, titles]) => `  ${reason}: ${few(titles)}`),
    '',
    `${passed} passed, ${failures.length} failed, ${all} skipped`,
  ];
}

function few(titles: readonly string[]): string {
  const more = titles.length - 3;
  return more > 0 ? `${titles.slice(0, 3).join('; ')}; and ${more} more` : titles.join('; ');
}
