import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nothingYet } from '../../conform/model/model.ts';
import { commandsOf } from '../../conform/random.ts';
import type { Course } from '../../conform/run.ts';

const known = { profile: 'runc', signal: new AbortController().signal, deviations: new Map() } as const;

/** The sequences that a seed draws: the names of all steps, taken or not. */
const drawn = (seed: number): readonly string[] =>
  fc.sample(commandsOf(known), { seed, numRuns: 5 }).map((commands) => [...commands].map(String).join(', '));

describe('sequences by chance', () => {
  it('are the same for the same seed, and others for another', () => {
    assert.deepEqual(drawn(11), drawn(11));
    assert.notDeepEqual(drawn(11), drawn(12));
  });

  it('begin with what makes a container, or with what is refused', () => {
    const model = nothingYet('runc');
    const course = { model, steps: [] } as unknown as Course;
    const first = fc.sample(commandsOf(known), { seed: 1, numRuns: 200 }).map((commands) => [...commands]);
    const taken = first.flatMap((commands) => commands.find((command) => command.check(course)) ?? []).map(String);
    const makes = taken.filter((name) => /^(create|run)\b/.test(name));
    assert.ok(makes.length > taken.length / 2, `${makes.length} of ${taken.length}`);
    assert.ok(makes.length < taken.length, 'nothing that is refused');
    assert.ok(!taken.includes('the process ends by itself'));
  });
});
