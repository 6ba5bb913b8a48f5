/** Random lives of real containers, compared with those of the same machine with effects in memory. */

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { watch } from './chaos/remains.ts';
import { commandsOn, deleteAll, type Place, placeIn } from './chaos/scene.ts';
import { SpokenCommands } from './chaos/spoken.ts';
import { type Real, type Step, spokenSteps, steps, Twins } from './chaos/twin.ts';
import { commandLine, RUNCHART } from './command-line.ts';

const skip = noContainers;
const work = workFolder('random');
/** A folder of its own, since the output of commands goes there. */
const spoken = workFolder('spoken');
const bundle = skip === false ? makeBundle(`${work.path}/bundle`, shellConfig('exec sleep 1000')) : '';
after(async () => {
  for (const folder of [work, spoken]) {
    await deleteAll(folder.path);
    folder.remove();
  }
});

const seed = Number(process.env.RUNCHART_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** At least so many steps are taken, however long they take. */
const ENOUGH = 20;

/** Each life begins by creating the container, since without one most requests are refused. */
async function live(
  t: TestContext,
  place: Place,
  real: Real,
  one: fc.Arbitrary<Step>,
  limits: { runs: number; milliseconds: number },
) {
  const { remains } = watch(place);
  let lived = 0;
  const end = performance.now() + limits.milliseconds;
  const lives = fc.array(one, { minLength: 8, maxLength: 24, size: 'max' });
  await fc.assert(
    fc.asyncProperty(lives, async (life) => {
      // A life that has begun is lived to its end. With fast-check's own time limit it would go on unattended.
      if (lived > ENOUGH && performance.now() > end) return;
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
    { seed, numRuns: limits.runs, endOnFailure: true },
  );
  t.diagnostic(`${lived} steps; RUNCHART_TEST_SEED=${seed}`);
  assert.ok(lived > ENOUGH);
}

test('a real container does what the machine says', { skip }, async (t) => {
  const place = placeIn(work.path, 'random', bundle);
  await live(t, place, commandsOn(place), steps, { runs: 40, milliseconds: 30_000 });
});

test('all commands do what the machine says, and show what the kernel shows', { skip }, async (t) => {
  const place = placeIn(spoken.path, 'spoken', bundle);
  const real = new SpokenCommands(commandLine(RUNCHART, spoken.path), place);
  await live(t, place, real, spokenSteps, { runs: 10, milliseconds: 15_000 });
});
