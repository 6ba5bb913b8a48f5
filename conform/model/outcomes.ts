/**
 * All that may come of a step. There may be several outcomes that are right: what the specification leaves open, or two
 * commands at once, which may come to the container in either order. Pure.
 */

import { byChart } from './by-chart.ts';
import { factsOf, type Model, type Outcome, statusIn } from './model.ts';
import { exceptionsOf } from './profiles.ts';
import type { Single, Step } from './steps.ts';

/** @returns at least one; the first is what the chart says, or a profile in its stead */
export function outcomesOf(model: Model, step: Step): readonly Outcome[] {
  if ('atOnce' in step) return atOnce(model, step.atOnce);
  const outcome = byChart(model, step);
  return exceptionsOf(model, step, outcome) ?? [outcome];
}

/** Two at once are asked no more than whether one came after the other: also as the chart has it. */
const anyOf = (model: Model, step: Single): readonly Outcome[] => [...outcomesOf(model, step), byChart(model, step)];

/**
 * Either order, and a process that was killed may live on for a moment. A runtime may also refuse what comes while
 * another command is at work.
 */
function atOnce(model: Model, [one, other]: readonly [Single, Single]): readonly Outcome[] {
  const swapped = inTurn(model, other, one).map(({ succeeds: [a = true, b = true], ...rest }) => ({
    ...rest,
    succeeds: [b, a],
  }));
  const alone = [
    ...('ask' in other ? anyOf(model, one).map((outcome) => withRefused(outcome, 1)) : []),
    ...('ask' in one ? anyOf(model, other).map((outcome) => withRefused(outcome, 0)) : []),
  ];
  return [...inTurn(model, one, other), ...swapped, ...alone];
}

function inTurn(model: Model, first: Single, second: Single): readonly Outcome[] {
  return anyOf(model, first).flatMap((before) => {
    const next = anyOf(before.model, second).map((after) => joined(before, after));
    return isKilled(model, before) ? [...next, ...late(model, before, second)] : next;
  });
}

const joined = (before: Outcome, after: Outcome): Outcome => ({
  succeeds: [...before.succeeds, ...after.succeeds],
  model: after.model,
  taken: [...before.taken, ...after.taken],
});

const isKilled = (model: Model, { model: after }: Outcome): boolean =>
  factsOf(model).init === 'alive' && statusIn(after) === 'stopped';

/** The second command finds the process that the first has killed. It ends then, unless it is frozen before it can. */
function late(model: Model, killed: Outcome, second: Single): readonly Outcome[] {
  return anyOf(model, second).flatMap((found) => {
    const after = joined(killed, found);
    if (factsOf(found.model).init === 'gone') return [after];
    const ended = { ...after, model: byChart(found.model, { happens: 'killed' }).model };
    return statusIn(found.model) === 'paused' ? [ended, after] : [ended];
  });
}

function withRefused({ succeeds: [success = true], model, taken }: Outcome, refused: 0 | 1): Outcome {
  return { succeeds: refused === 0 ? [false, success] : [success, false], model, taken };
}
