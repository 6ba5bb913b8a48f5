/** The report in the Test Anything Protocol, version 14: a test for each rule, and one for each deviation. Pure. */

import type { Conformance } from '../conform.ts';
import type { Deviation } from '../rules/findings.ts';
import { RULES, type RuleName, ruleOf } from '../rules/rules.ts';
import { commandsOf, sourceOf } from './words.ts';

export function tapReport(result: Conformance): string {
  const points = Object.keys(RULES).flatMap((name) => pointsOf(name as RuleName, result));
  const numbered = points.map(({ ok, words, details }, index) =>
    [`${ok ? 'ok' : 'not ok'} ${index + 1} - ${words}`, ...details].join('\n'),
  );
  return ['TAP version 14', `1..${points.length}`, ...numbered, ''].join('\n');
}

interface Point {
  readonly ok: boolean;
  readonly words: string;
  /** Lines of YAML, and their marks. */
  readonly details: readonly string[];
}

function pointsOf(name: RuleName, { checked, deviations, profile }: Conformance): readonly Point[] {
  const { title, where } = ruleOf(name);
  const own = deviations.filter(({ rule }) => rule === name);
  if (own.length > 0) return own.map((deviation) => failing(title, deviation));
  // A rule that is runc's is no part of the other profile.
  if (where === undefined && profile === 'spec') return [];
  const words = escaped(title);
  return [{ ok: true, words: checked.has(name) ? words : `${words} # SKIP never came up`, details: [] }];
}

function failing(title: string, deviation: Deviation): Point {
  const { about, expected, seen } = deviation;
  const entries = Object.entries({ expected, seen, source: sourceOf(deviation) });
  return {
    ok: false,
    words: escaped(`${title}: ${about}`),
    details: [
      '  ---',
      // A text of JSON is one of YAML as well.
      ...entries.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
      '  commands:',
      ...commandsOf(deviation).map((line) => `    - ${JSON.stringify(line)}`),
      '  ...',
    ],
  };
}

/** Without an escape, `#` begins a directive. */
const escaped = (words: string): string => words.replace(/[\\#]/g, (character) => `\\${character}`);
