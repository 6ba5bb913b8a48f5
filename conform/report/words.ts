/** The words that the reports have in common. Pure. */

import type { Conformance } from '../conform.ts';
import { ID, shellLine } from '../model/steps.ts';
import type { Deviation } from '../rules/findings.ts';
import { ruleOf } from '../rules/rules.ts';

/** The commands that show a deviation, a line each. `$R` and `$B` are explained by `preludeOf`. */
export const commandsOf = ({ steps }: Deviation): readonly string[] => [...steps.map(shellLine), `$R state ${ID}`];

/** What the commands of a report begin with. */
export const preludeOf = ({ program, profile }: Conformance): readonly string[] => [
  `runchart conform --runtime ${program} --profile ${profile} --bundles conform-bundles`,
  `B=$PWD/conform-bundles; R="${program} --root $(mktemp -d)"`,
];

/** Where the words come from that a deviation breaks. */
export function sourceOf({ rule }: Deviation): string {
  const { where, sentence } = ruleOf(rule);
  return where === undefined
    ? 'no sentence of the specification asks for it, but runc does so'
    : `${where}: "${sentence}"`;
}

/** Why some transitions of the chart were not taken, and which. */
export function notTaken({
  taken,
  all,
}: Conformance['transitions']): readonly (readonly [string, readonly string[]])[] {
  const known = new Set(taken);
  const left = new Set(all.filter((name) => !known.has(name)));
  return REASONS.map(([reason, pattern]): readonly [string, readonly string[]] => {
    const fitting = [...left].filter((name) => pattern.test(name));
    for (const name of fitting) left.delete(name);
    return [reason, fitting];
  }).filter(([, names]) => names.length > 0);
}

const REASONS: readonly (readonly [string, RegExp])[] = [
  ['it needs CRIU', /restor|checkpoint/],
  ['it needs a disk that is full', / unsaved/],
  [
    'it needs a command that is killed, or an undo that fails',
    /unfinished|^unwinding|^deleting|^observing|ending failed/,
  ],
  ['it needs an effect that fails, and that no config.json makes fail', / failed /],
  ['not asked by this profile, or not reached', /./],
];
