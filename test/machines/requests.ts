/** Random lives: requests, observations and the fates of effects. */

import fc from 'fast-check';
import type { ContainerActor } from '../../machines/ask.ts';
import type { Request } from '../../machines/events.ts';
import { persistedState } from '../../machines/persisted.ts';
import { mayHaveChanged } from '../../machines/rules.ts';
import { CHECKPOINT, type Fate, RESTORE, type World } from './world.ts';

/** What happens without a command: the init ends, or someone else touches the freezer. */
export type Accident = { readonly type: 'accident'; readonly what: 'exit' | 'freeze' | 'thaw' };

export type Step = Request | Accident;

const requests: fc.Arbitrary<Request> = fc.oneof(
  fc.constantFrom<Request>(
    { type: 'create' },
    RESTORE,
    { type: 'start' },
    { type: 'pause' },
    { type: 'resume' },
    { type: 'events' },
  ),
  fc.record({ type: fc.constant('kill' as const), signal: fc.constantFrom(9, 15), all: fc.boolean() }),
  fc.record({ type: fc.constant('exec' as const), ignorePaused: fc.boolean() }),
  fc.record({ type: fc.constant('delete' as const), force: fc.boolean() }),
  fc.record({
    type: fc.constant('update' as const),
    config: fc.record({ ociVersion: fc.constant('1.3.0'), hostname: fc.constantFrom('a', 'b') }),
    resources: fc.constant({}),
    schemata: fc.constant(false),
  }),
  fc.record({
    type: fc.constant('checkpoint' as const),
    leaveRunning: fc.boolean(),
    preDump: fc.boolean(),
    options: fc.constant(CHECKPOINT.options),
  }),
);

const accidents: fc.Arbitrary<Accident> = fc.record({
  type: fc.constant('accident' as const),
  what: fc.constantFrom('exit' as const, 'freeze' as const, 'thaw' as const),
});

const steps = fc.oneof({ weight: 6, arbitrary: requests }, { weight: 1, arbitrary: accidents });

/** A life that begins with a container: without one, most requests would be refused. */
export const lives: fc.Arbitrary<Step[]> = fc
  .tuple(fc.constantFrom<Request>({ type: 'create' }, RESTORE), fc.array(steps, { maxLength: 15 }))
  .map(([first, rest]) => [first, ...rest]);

/** Which calls of effects fail, by their numbers. */
export const fates: fc.Arbitrary<Fate> = fc.array(fc.nat(40), { maxLength: 4 }).map((failing) =>
  Object.assign((_: unknown, index: number) => (failing.includes(index) ? 'fail' : 'succeed'), {
    [fc.toStringMethod]: () => `calls ${failing.join(', ')} fail`,
  }),
);

/** Lets the accident happen to the world. */
export function befall(world: World, { what }: Accident): void {
  if (what === 'exit' && world.alive) world.init = 'dead';
  if (what !== 'exit' && world.alive) world.frozen = what === 'freeze';
}

/** Tells the actor how the world is now, as the runtime does before each request. */
export function reconcile(actor: ContainerActor, world: World): void {
  const state = persistedState(actor.getSnapshot().value);
  if (state === undefined) return;
  if (mayHaveChanged(state)) actor.send({ type: 'observed', facts: world.facts() });
}
