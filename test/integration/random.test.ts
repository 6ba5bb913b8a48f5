/** Random lives of real containers, beside the same machine with effects in memory: they say and show the same. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { watch } from './chaos/remains.ts';
import { commandsOn, deleteAll, placeIn } from './chaos/scene.ts';
import { steps, Twins } from './chaos/twin.ts';

const skip = noContainers;
const work = workFolder('random');
after(async () => {
  await deleteAll(work.path);
  work.remove();
});

const seed = Number(process.env.RUNCHART_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

test('a real container does what the machine says', { skip }, async (t) => {
  const bundle = makeBundle(`${work.path}/bundle`, shellConfig('exec sleep 1000'));
  const place = placeIn(work.path, 'random', bundle);
  const real = commandsOn(place);
  const { remains } = watch(place);
  let lived = 0;
  // A life begins with a container, since most of what follows is refused without one.
  const lives = fc.array(steps, { minLength: 8, maxLength: 24, size: 'max' });
  await fc.assert(
    fc.asyncProperty(lives, async (life) => {
      const twins = new Twins(real, place.id);
      try {
        await twins.step({ type: 'create' });
        for (const step of life) {
          lived++;
          await twins.step(step);
        }
      } finally {
        await real.delete(true);
      }
      assert.deepEqual(remains(), []);
    }),
    { seed, numRuns: 40, interruptAfterTimeLimit: 30_000, endOnFailure: true },
  );
  t.diagnostic(`${lived} steps; RUNCHART_TEST_SEED=${seed}`);
  assert.ok(lived > 50, 'there was time for some lives');
});
