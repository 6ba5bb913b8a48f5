/** A command dies at each effect of each operation. After that, `delete --force` leaves nothing behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../../machines/ask.ts';
import type { Request } from '../../machines/events.ts';
import { reconcile } from './requests.ts';
import { CHECKPOINT, HOOKS, newActor, newRecord, RESTORE, resumed, World } from './world.ts';

const FORCE = { type: 'delete', force: true } as const;

const OPERATIONS: readonly [name: string, before: readonly Request[], dying: Request][] = [
  ['create', [], { type: 'create' }],
  ['restore', [], RESTORE],
  ['start', [{ type: 'create' }], { type: 'start' }],
  ['pause', [{ type: 'create' }, { type: 'start' }], { type: 'pause' }],
  ['resume', [{ type: 'create' }, { type: 'start' }, { type: 'pause' }], { type: 'resume' }],
  ['checkpoint', [{ type: 'create' }, { type: 'start' }], CHECKPOINT],
  ['delete', [{ type: 'create' }], { type: 'delete', force: false }],
  ['delete --force', [{ type: 'create' }, { type: 'start' }], FORCE],
];

const MOMENTS = ['die', 'vanish'] as const;

for (const [name, before, dying] of OPERATIONS)
  for (const hooks of [undefined, HOOKS])
    test(`${name} dies at any effect${hooks === undefined ? '' : ', with hooks'}`, async () => {
      let points = 0;
      for (const moment of MOMENTS)
        for (let at = 0; ; at++) {
          const world = new World();
          const actor = newActor(world, newRecord(hooks));
          for (const request of before) await ask(actor, request);
          if (before.length > 0) world.saved = savedAs(actor, world);
          if (!(await dies(world, () => ask(actor, dying), at, moment))) break;
          points++;
          if (world.saved === undefined) {
            // Without a directory nobody can find the container, so nothing else of it may be there.
            assert.deepEqual(world.leftovers, []);
            continue;
          }
          const next = resumed(world);
          reconcile(next, world);
          const { outcome } = await ask(next, FORCE);
          assert.equal(outcome, 'done', `${moment} call ${at}`);
          assert.deepEqual(world.leftovers, [], `${moment} call ${at}`);
        }
      assert.ok(points >= 2, 'the operation performs effects');
    });

/** What the runtime writes when a request has settled. */
function savedAs(actor: ReturnType<typeof newActor>, world: World): World['saved'] {
  const { value, context } = actor.getSnapshot();
  const state = Object.keys(value)[0];
  if (state !== 'created' && state !== 'running' && state !== 'paused') throw new Error(`not expected: ${state}`);
  return { ...world.saved, state, record: JSON.parse(JSON.stringify(context)) };
}

/** Lets the command die at its call number `at`. @returns false when it made fewer calls, and ended by itself */
async function dies(
  world: World,
  command: () => Promise<unknown>,
  at: number,
  moment: (typeof MOMENTS)[number],
): Promise<boolean> {
  const first = world.calls.length;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  world.fate = (_name, index) => {
    if (index - first !== at) return 'succeed';
    // This comes after the effect has acted, if it does.
    queueMicrotask(() => resolve(true));
    return moment;
  };
  const died = await Promise.race([promise, command().then(() => false)]);
  world.fate = () => 'succeed';
  if (died) world.killCommand();
  return died;
}
