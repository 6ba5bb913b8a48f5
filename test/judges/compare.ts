/** What fails with ours alone, and whether that is known. */

import type { Outcome, Told } from './tap.ts';

/** Tests by `FILE: TITLE`. */
export type Outcomes = ReadonlyMap<string, Told>;

/** `FILE: TITLE` of tests that are known to fail with ours alone, and the reason of each. */
export type Expected = ReadonlyMap<string, string>;

export interface Comparison {
  readonly tests: number;
  readonly passed: number;
  /** Tests that were skipped with both. */
  readonly skipped: number;
  /** Tests that fail with both: the machine, or the suite. */
  readonly both: readonly string[];
  readonly peerAlone: readonly string[];
  /** Failed, or skipped though the peer passed, with ours alone; and each is expected. */
  readonly known: readonly string[];
  readonly unknown: readonly string[];
  /** Expected to fail, ran, and did not. */
  readonly mended: readonly string[];
}

export function compare(ours: Outcomes, peers: Outcomes, expected: Expected): Comparison {
  const names = [...new Set([...ours.keys(), ...peers.keys()])];
  const of = (outcomes: Outcomes, name: string): Outcome | undefined => outcomes.get(name)?.outcome;
  // A test that ours never told of has not passed with it, whatever the reason.
  const worse = (name: string): boolean =>
    of(ours, name) === 'failed' ? of(peers, name) !== 'failed' : of(peers, name) === 'passed' && !passes(name);
  const passes = (name: string): boolean => of(ours, name) === 'passed';
  const alone = names.filter(worse);
  return {
    tests: names.length,
    passed: names.filter(passes).length,
    skipped: names.filter((name) => of(ours, name) === 'skipped' && of(peers, name) !== 'passed').length,
    both: names.filter((name) => of(ours, name) === 'failed' && of(peers, name) === 'failed'),
    peerAlone: names.filter((name) => of(peers, name) === 'failed' && of(ours, name) !== 'failed'),
    known: alone.filter((name) => expected.has(name)),
    unknown: alone.filter((name) => !expected.has(name)),
    mended: [...expected.keys()].filter((name) => passes(name)),
  };
}

/**
 * @param text blocks of two lines: the test as `FILE: TITLE`, and below it the reason, indented. `#` begins a comment.
 * @throws Error for a test without a reason, or for one that is named twice
 */
export function readExpected(text: string): Expected {
  const expected = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    if (line.startsWith('  ')) {
      if (name === undefined) throw new Error(`a reason stands before any test: ${line.trim()}`);
      expected.set(name, [expected.get(name), line.trim()].filter(Boolean).join(' '));
      continue;
    }
    if (name !== undefined && !expected.get(name)) throw new Error(`no reason is given for: ${name}`);
    if (expected.has(line)) throw new Error(`named twice: ${line}`);
    name = line;
    expected.set(name, '');
  }
  if (name !== undefined && !expected.get(name)) throw new Error(`no reason is given for: ${name}`);
  return expected;
}
