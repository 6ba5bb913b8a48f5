/** Rules that hold in every life of a container. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Answer, ask, type ContainerActor } from '../../machines/ask.ts';
import type { LifecycleContext } from '../../machines/contract.ts';
import { persisted, persistedState, recordOf } from '../../machines/persisted.ts';
import { mayHaveChanged, observedState } from '../../machines/rules.ts';
import { statusOf } from '../../machines/status.ts';
import { befall, fates, lives, reconcile, type Step } from './requests.ts';
import { HOOKS, isDone, newActor, newRecord, RESTORE, rehydrated, World } from './world.ts';

const UNDOS = ['destroyInit', 'removeCgroup', 'removeState'];

async function live(actor: ContainerActor, world: World, step: Step): Promise<Answer | undefined> {
  if (step.type === 'accident') {
    befall(world, step);
    reconcile(actor, world);
    return undefined;
  }
  return ask(actor, step);
}

/** The machine must say what the world is, as long as no effect failed that would have told it. */
function assertTrue(actor: ContainerActor, world: World): void {
  const snapshot = actor.getSnapshot();
  const truth = {
    creating: snapshot.context.leftovers.length > 0,
    created: world.init === 'waiting' && !world.frozen,
    running: world.init === 'started' && !world.frozen,
    paused: world.alive && world.frozen,
    stopped: !world.alive,
    gone: !isDone(actor) || world.leftovers.length === 0,
  };
  const status = statusOf(snapshot) ?? 'gone';
  assert.ok(truth[status], `${status} with init ${world.init}, frozen ${world.frozen}`);
}

test('no effect is called where it makes no sense, and the machine tells the truth', async () => {
  await fc.assert(
    fc.asyncProperty(lives, fates, fc.boolean(), async (steps, fate, hooks) => {
      const world = new World(fate);
      const actor = newActor(world, newRecord(hooks ? HOOKS : undefined));
      for (const step of steps) {
        await live(actor, world, step);
        reconcile(actor, world);
        const { status, value } = actor.getSnapshot();
        assert.ok(status === 'done' || actor.getSnapshot().hasTag('settled'), `not settled: ${JSON.stringify(value)}`);
        assertTrue(actor, world);
        if (isDone(actor)) break;
      }
      assert.deepEqual(world.violations, []);
    }),
    { numRuns: 3000 },
  );
});

test('a refused request calls no effect and changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(lives, fates, async (steps, fate) => {
      const world = new World(fate);
      const actor = newActor(world);
      for (const step of steps) {
        reconcile(actor, world);
        const before = JSON.stringify(actor.getPersistedSnapshot());
        const calls = world.calls.length;
        const answer = await live(actor, world, step);
        if (answer?.outcome === 'refused') {
          assert.equal(JSON.stringify(actor.getPersistedSnapshot()), before);
          assert.equal(world.calls.length, calls);
          assert.notEqual(answer.message, '');
        }
        if (isDone(actor)) break;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a creation that fails undoes what began: each once, in reverse, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.boolean(), fc.constantFrom('create', 'restore'), async (at, hooks, type) => {
      const world = new World((_, index) => (index === at ? 'fail' : 'succeed'));
      const actor = newActor(world, newRecord(hooks ? HOOKS : undefined));
      const answer = await ask(actor, type === 'create' ? { type } : RESTORE);
      if (answer.outcome === 'done') return assert.ok(world.calls.length <= at, 'the failure was lost');
      const undone = world.calls.filter((name) => UNDOS.includes(name));
      const { begun } = actor.getSnapshot().context;
      assert.deepEqual(undone, [
        ...(begun.includes('namespaces') ? ['destroyInit'] : []),
        ...(begun.includes('cgroup') ? ['removeCgroup'] : []),
        'removeState',
      ]);
      assert.deepEqual(world.leftovers, []);
      assert.equal(answer.outcome === 'failed' && answer.failures.length, 1);
    }),
    { numRuns: 300 },
  );
});

test('a life goes on in another command as it would in this one', async () => {
  await fc.assert(
    fc.asyncProperty(lives, fates, async (steps, fate) => {
      const [world, twin] = [new World(fate), new World(fate)];
      const actor = newActor(world);
      let other = newActor(twin);
      for (const step of steps) {
        assert.deepEqual(describe(await live(other, twin, step)), describe(await live(actor, world, step)));
        assert.deepEqual(other.getSnapshot().value, actor.getSnapshot().value);
        assert.deepEqual(twin.calls, world.calls);
        if (isDone(actor)) break;
        const state = persistedState(other.getSnapshot().value);
        if (state === undefined) continue;
        const snapshot = persisted(state, recordOf(other.getSnapshot().context));
        assert.deepEqual(
          JSON.parse(JSON.stringify(snapshot)),
          JSON.parse(JSON.stringify(withoutEffects(other.getPersistedSnapshot()))),
          'what we write is what XState would',
        );
        other = rehydrated(twin, snapshot);
      }
    }),
    { numRuns: 600 },
  );
});

function withoutEffects(snapshot: object): object {
  const { context, ...others } = snapshot as { context: LifecycleContext };
  return { ...others, context: recordOf(context) };
}

/** Errors are compared by their messages. */
function describe(answer: Answer | undefined): string {
  return JSON.stringify(answer, (_key, value) => (value instanceof Error ? value.message : value));
}

test('commands that only look see the state that the machine would be in', async () => {
  const facts = fc.record({
    init: fc.constantFrom('alive' as const, 'gone' as const),
    frozen: fc.boolean(),
    started: fc.boolean(),
  });
  const state = fc.constantFrom('unfinished' as const, 'created' as const, 'running' as const, 'stopped' as const);
  const from = fc.oneof(
    state.map((name) => ({ name, record: persisted(name, newRecord()).context })),
    fc
      .constantFrom('created' as const, 'running' as const)
      .map((reached) => ({ name: 'paused' as const, record: { ...newRecord(), reached } })),
  );
  await fc.assert(
    fc.asyncProperty(from, facts, async ({ name, record }, said) => {
      const world = new World();
      const actor = rehydrated(world, persisted(name, record));
      Object.assign(world, { facts: () => said });
      reconcile(actor, world);
      const seen = mayHaveChanged(name) ? observedState(record, said) : name;
      assert.equal(persistedState(actor.getSnapshot().value), seen);
      assert.deepEqual(world.calls, [], 'looking performs nothing');
    }),
  );
});
