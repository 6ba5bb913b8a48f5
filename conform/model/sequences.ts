/**
 * The sequences that show every state and every transition of the model: for each place that it can be in the shortest
 * way there, and then each step that can be taken there, permitted or refused. XState's graph finds the ways. Pure.
 */

import { getShortestPaths } from 'xstate/graph';
import { keyOf, type Model, nothingYet, type Profile } from './model.ts';
import { outcomesOf } from './outcomes.ts';
import { pairsAt, stepsAt } from './profiles.ts';
import type { Single, Step } from './steps.ts';

/** What XState's graph walks through: the model instead of a snapshot, steps instead of events. */
type Node = Model & { readonly status: 'active'; readonly output: undefined; readonly error: undefined };
type Edge = { readonly type: string; readonly step: Single };

const nodeOf = (model: Model): Node => ({ ...model, status: 'active', output: undefined, error: undefined });

const edgesAt = (model: Model): readonly Edge[] => stepsAt(model).map((step) => ({ type: JSON.stringify(step), step }));

/** @returns sequences of steps, the shortest first. Each begins without a container */
export function sequencesOf(profile: Profile, limits = true): readonly (readonly Step[])[] {
  const logic = {
    getInitialSnapshot: () => nodeOf(nothingYet(profile, limits)),
    transition: (model: Node, { step }: Edge) => nodeOf(outcomesOf(model, step)[0]?.model ?? model),
    getPersistedSnapshot: (model: Node) => model,
  };
  const paths = getShortestPaths(logic, {
    events: edgesAt,
    serializeState: keyOf,
    fromState: nodeOf(nothingYet(profile, limits)),
  });
  const all = paths.flatMap(({ state, steps }) => {
    // XState's first step has no event of ours.
    const way = steps.flatMap(({ event }) => ('step' in event ? [event.step] : []));
    const pairs: Step[] = pairsAt(state).map((atOnce) => ({ atOnce }));
    return [...stepsAt(state), ...pairs].map((step): readonly Step[] => [...way, step]);
  });
  return all.toSorted((one, other) => one.length - other.length);
}
