/**
 * The two profiles: the words of the specification, and what runc does. The chart is runc's behaviour as we read it. A
 * profile says what it asks, and where it differs from the chart. Pure.
 */

import { BUNDLES, type BundleName } from './bundles.ts';
import { byChart } from './by-chart.ts';
import { type Model, type Outcome, type Profile, statusIn } from './model.ts';
import type { Asked, Happening, Single, Step } from './steps.ts';

/** What the specification knows: five operations, of which `state` follows every step. */
const SPECIFIED: readonly Single[] = [
  { ask: 'start' },
  { ask: 'kill', signal: 'TERM' },
  { ask: 'kill', signal: 'KILL' },
  { ask: 'kill', signal: 'CONT' },
  { ask: 'delete' },
  { happens: 'exits' },
  { happens: 'killed' },
  { happens: 'config changes' },
];

const RUNC_ALONE: readonly Single[] = [
  { ask: 'run', bundle: 'plain' },
  { ask: 'pause' },
  { ask: 'resume' },
  { ask: 'update' },
  { ask: 'update-badly' },
  { ask: 'events' },
  { ask: 'exec' },
  { ask: 'kill', signal: 'KILL', all: true },
  { ask: 'delete', force: true },
  { happens: 'frozen' },
  { happens: 'thawed' },
];

/** What may follow a failure or hooks: the rest of a life. */
const IN_ANY_BUNDLE: readonly Single[] = [{ ask: 'start' }, { ask: 'kill', signal: 'KILL' }, { ask: 'delete' }];

/** All steps of a profile that make sense where the container is, refused ones included. */
export function stepsAt(model: Model): readonly Single[] {
  const bundles = BUNDLES.filter((bundle) => model.limits || bundle !== 'bad-cgroup');
  const creations: Asked[] = bundles.map((bundle: BundleName) => ({ ask: 'create', bundle }));
  if (model.container === undefined) {
    const misnamed: Asked = { ask: 'create-misnamed', bundle: 'plain' };
    return [...creations, misnamed, ...asksOf(model)];
  }
  if (model.container.bundle !== 'plain') return IN_ANY_BUNDLE;
  const again: Asked = { ask: 'create', bundle: 'plain' };
  return [again, ...asksOf(model), ...happeningsAt(model)];
}

const stepsOf = ({ profile }: Model): readonly Single[] =>
  profile === 'spec' ? SPECIFIED : [...SPECIFIED, ...RUNC_ALONE];

const asksOf = (model: Model): readonly Asked[] =>
  stepsOf(model).filter((step): step is Asked => 'ask' in step && !isOpen(model, step));

/** What the container's program, or somebody else, can do just now. */
const happeningsAt = (model: Model): readonly Happening[] =>
  stepsOf(model).filter((step): step is Happening => 'happens' in step && canHappen(model, step));

export function canHappen(model: Model, { happens }: Happening): boolean {
  const status = statusIn(model);
  switch (happens) {
    case 'exits':
      return status === 'running';
    case 'killed':
      return status === 'created' || status === 'running';
    case 'frozen':
      return status === 'created' || status === 'running';
    case 'thawed':
      return status === 'paused';
    case 'config changes':
      return status === 'created';
  }
}

/** What nobody says the result of: SIGTERM for what waits for its start or is frozen; limits where there are none. */
function isOpen(model: Model, step: Asked): boolean {
  const status = statusIn(model);
  if (!model.limits && (step.ask === 'update' || step.ask === 'update-badly')) return true;
  return step.ask === 'kill' && step.signal !== 'KILL' && (status === 'created' || status === 'paused');
}

/** Pairs of commands that are asked for at once, by the status of the container. */
export function pairsAt(model: Model): readonly (readonly [Single, Single])[] {
  const status = statusIn(model);
  const kill: Single = { ask: 'kill', signal: 'KILL' };
  const create: Single = { ask: 'create', bundle: 'plain' };
  const remove: Single = { ask: 'delete' };
  const start: Single = { ask: 'start' };
  const force: Single = { ask: 'delete', force: true };
  const isRunc = model.profile === 'runc';
  if (model.container !== undefined && model.container.bundle !== 'plain') return [];
  switch (status) {
    case undefined:
      return [[create, create]];
    case 'created':
      return [
        [start, start],
        [start, kill],
        [start, remove],
        [kill, kill],
        ...(isRunc
          ? ([
              [start, force],
              [start, { ask: 'pause' }],
              [remove, remove],
            ] as const)
          : []),
      ];
    case 'running':
      return [
        [{ happens: 'exits' }, kill],
        [{ happens: 'exits' }, remove],
        [kill, remove],
        ...(isRunc
          ? ([
              [{ ask: 'pause' }, { ask: 'pause' }],
              [{ ask: 'pause' }, kill],
              [force, force],
              [{ happens: 'exits' }, { ask: 'exec' }],
            ] as const)
          : []),
      ];
    case 'paused':
      return isRunc
        ? [
            [{ ask: 'resume' }, { ask: 'resume' }],
            [{ ask: 'resume' }, force],
          ]
        : [];
    case 'stopped':
      return [
        [remove, remove],
        [create, remove],
      ];
    default:
      return [];
  }
}

/** What may be one of two at once. Each of them comes to the container as one thing. */
const TOGETHER: readonly Single[] = [
  { ask: 'create', bundle: 'plain' },
  { ask: 'start' },
  { ask: 'kill', signal: 'KILL' },
  { ask: 'delete' },
  { ask: 'delete', force: true },
  { ask: 'pause' },
  { ask: 'resume' },
  { happens: 'exits' },
];

/** Whether a step makes sense where the container is. */
export function isPossible(model: Model, step: Step): boolean {
  const known = stepsAt(model).map((one) => JSON.stringify(one));
  const isKnown = (single: Single) => known.includes(JSON.stringify(single));
  if (!('atOnce' in step)) return isKnown(step);
  if (model.container !== undefined && model.container.bundle !== 'plain') return false;
  // What is frozen in time does not end, whatever it was told before.
  const freezes = step.atOnce.some((single) => 'ask' in single && (single.ask === 'pause' || single.ask === 'resume'));
  return step.atOnce.every(isKnown) && !(freezes && step.atOnce.some((single) => 'happens' in single));
}

/** All steps that a sequence by chance may have, two at once included. */
export function stepsByChance(profile: Profile): readonly Step[] {
  const singles = profile === 'spec' ? SPECIFIED : [...SPECIFIED, ...RUNC_ALONE];
  const creations: Single[] = BUNDLES.map((bundle) => ({ ask: 'create', bundle }));
  const pairs = TOGETHER.flatMap((one, index) =>
    TOGETHER.slice(index).map((other): Step => ({ atOnce: [one, other] })),
  );
  const plain: Single = { ask: 'create', bundle: 'plain' };
  // Most lives are plain ones.
  return [...Array.from({ length: 2 * BUNDLES.length }, () => plain), ...creations, ...singles, ...singles, ...pairs];
}

/**
 * Where a profile differs from the chart, or leaves a choice.
 * @param outcome what the chart says
 * @returns undefined where the chart alone is right
 */
export function exceptionsOf(model: Model, step: Single, outcome: Outcome): readonly Outcome[] | undefined {
  if (!('ask' in step)) return undefined;
  // Whether there is such a program, a runtime may find out in `create`, or not before `start`.
  if ('bundle' in step && step.bundle === 'no-program' && model.container === undefined)
    return [outcome, byChart(model, step, { effect: 'startProcess' })];
  return model.profile === 'spec' ? specified(model, step, outcome) : undefined;
}

/** What the specification says otherwise than runc. */
function specified(model: Model, step: Asked, outcome: Outcome): readonly Outcome[] | undefined {
  if (statusIn(model) !== 'created') return undefined;
  if (step.ask === 'delete') return [{ succeeds: [false], model, taken: [] }];
  // After a hook of `start` has failed, the container is destroyed: runtime.md, "Lifecycle", steps 7, 9, 12 and 13.
  const bundle = model.container?.bundle;
  if (step.ask === 'start' && (bundle === 'bad-startContainer' || bundle === 'bad-poststart'))
    return [{ ...outcome, model: destroyed(outcome.model) }];
  return undefined;
}

const destroyed = (model: Model): Model => ({
  ...model,
  container: undefined,
  hooks: [...model.hooks, 'poststop'],
  updated: false,
});
