/** The report for people. Pure. */

import type { Conformance } from '../conform.ts';
import type { Deviation } from '../rules/findings.ts';
import { ruleOf } from '../rules/rules.ts';
import { commandsOf, notTaken, preludeOf, sourceOf } from './words.ts';

const PROFILE_WORDS = { spec: "the specification's words", runc: "runc's behaviour" } as const;

export function textReport(result: Conformance): string {
  const { deviations } = result;
  const parts = [head(result), coverage(result)];
  if (deviations.length === 0) parts.push('No deviation.');
  else parts.push(plural(deviations.length, 'deviation'), ...deviations.map(shown), repeat(result));
  return `${parts.join('\n\n')}\n`;
}

function head({ program, version, profile, cgroups, seed, sequences, steps, seconds }: Conformance): string {
  return [
    `${program} (${version}) against ${PROFILE_WORDS[profile]}`,
    `  ${sequences.chart} sequences from the chart, ${sequences.random} by chance (seed ${seed}): ` +
      `${steps} steps in ${Math.round(seconds)} s, with cgroup ${cgroups}`,
  ].join('\n');
}

function coverage({ transitions, checked }: Conformance): string {
  const counts = [...checked.values()].reduce((sum, count) => sum + count, 0);
  return [
    `  ${transitions.taken.length} of ${transitions.all.length} transitions of the chart; ` +
      `${checked.size} rules, checked ${counts} times`,
    ...notTaken(transitions).map(([reason, names]) => `    ${plural(names.length, 'other')}: ${reason}`),
  ].join('\n');
}

function shown(deviation: Deviation, index: number): string {
  const { rule, about, expected, seen } = deviation;
  return [
    `${index + 1}. ${ruleOf(rule).title}: ${about}`,
    `   expected: ${expected}`,
    `   seen: ${seen}`,
    `   ${sourceOf(deviation)}`,
    ...commandsOf(deviation).map((line) => `     ${line}`),
  ].join('\n');
}

const repeat = (result: Conformance): string =>
  ['The commands begin with:', ...preludeOf(result).map((line) => `     ${line}`)].join('\n');

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
