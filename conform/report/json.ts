/** The report for programs. Pure. */

import type { Conformance } from '../conform.ts';
import { RULES, type Rule } from '../rules/rules.ts';
import { commandsOf, notTaken, preludeOf } from './words.ts';

/** @returns one JSON object */
export function jsonReport(result: Conformance): string {
  const { program, version, profile, seed, cgroups, sequences, steps, seconds, transitions } = result;
  const document = {
    runtime: { program, version },
    profile,
    seed,
    cgroups,
    sequences,
    steps,
    seconds: Math.round(seconds),
    transitions: {
      taken: transitions.taken.toSorted(),
      notTaken: notTaken(transitions).map(([reason, names]) => ({ reason, names })),
    },
    rules: [...result.checked].map(([name, times]) => ({ name, ...(RULES[name] satisfies Rule), checked: times })),
    prelude: preludeOf(result),
    deviations: result.deviations.map((deviation) => {
      const { rule, about, expected, seen } = deviation;
      return { rule, about, expected, seen, commands: commandsOf(deviation), steps: deviation.steps };
    }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
