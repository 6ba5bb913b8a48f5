import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Model, nothingYet, PROFILES, type Profile, situationOf } from '../../../conform/model/model.ts';
import { outcomesOf } from '../../../conform/model/outcomes.ts';
import { isPossible, stepsAt } from '../../../conform/model/profiles.ts';
import { sequencesOf } from '../../../conform/model/sequences.ts';
import { nameOf, type Step } from '../../../conform/model/steps.ts';
import { allTransitions } from '../../../conform/model/walk.ts';
import { notTaken } from '../../../conform/report/words.ts';

interface Visited {
  readonly model: Model;
  readonly step: Step;
}

/** Each step of each sequence, with where it is taken; and the transitions of the chart. */
function visits(profile: Profile): { readonly steps: readonly Visited[]; readonly taken: ReadonlySet<string> } {
  const steps: Visited[] = [];
  const taken = new Set<string>();
  for (const sequence of sequencesOf(profile)) {
    let model = nothingYet(profile);
    for (const step of sequence) {
      steps.push({ model, step });
      const [outcome] = outcomesOf(model, step);
      for (const name of outcome?.taken ?? []) taken.add(name);
      model = outcome?.model ?? model;
    }
  }
  return { steps, taken };
}

describe('the sequences of the chart', () => {
  it('come to every settled state, and ask there for all that there is', () => {
    const { steps } = visits('runc');
    const asked = new Map<string, Set<string>>();
    for (const { model, step } of steps) {
      if (model.container !== undefined && model.container.bundle !== 'plain') continue;
      const situation = situationOf(model);
      asked.set(situation, (asked.get(situation) ?? new Set()).add(nameOf(step)));
    }
    assert.deepEqual([...asked.keys()].toSorted(), [
      'a created container',
      'a paused container',
      'a paused container that was not started',
      'a running container',
      'a stopped container',
      'no container',
    ]);
    for (const [situation, names] of asked)
      for (const name of [
        'start',
        'pause',
        'resume',
        'update',
        'exec',
        'events',
        'delete',
        'delete --force',
        'kill KILL',
      ])
        assert.ok(names.has(name), `${name} of ${situation}`);
  });

  it('take every transition that can be taken from outside', () => {
    const { taken } = visits('runc');
    const left = new Map(notTaken({ taken: [...taken], all: allTransitions() }));
    // The rest needs CRIU, a full disk, a killed command, or an effect that no config makes fail.
    assert.deepEqual(left.get('not asked by this profile, or not reached'), [
      // A container is observed as running only if somebody else has started it.
      'created.idle observed [isNow running] → running',
      // A process of `exec` would come into a frozen cgroup, and never end.
      'paused.idle exec [ignoringPause] → paused.idle',
      'paused.idle observed [isNow paused] → paused',
    ]);
    assert.equal(new Set(allTransitions()).size, allTransitions().length);
    assert.deepEqual(
      [...taken].filter((name) => !allTransitions().includes(name)),
      [],
    );
  });

  for (const profile of PROFILES) {
    it(`${profile}: begin without a container, the shortest first, each once`, () => {
      const all = sequencesOf(profile);
      const texts = all.map((steps) => JSON.stringify(steps));
      assert.equal(new Set(texts).size, all.length);
      assert.deepEqual(
        all,
        all.toSorted((one, other) => one.length - other.length),
      );
      for (const { model, step } of visits(profile).steps)
        if (!('atOnce' in step)) assert.ok(isPossible(model, step), `${nameOf(step)} of ${situationOf(model)}`);
    });
  }

  it('spec: ask for nothing that the specification does not know', () => {
    const names = new Set(
      visits('spec')
        .steps.flatMap(({ step }) => ('atOnce' in step ? step.atOnce : [step]))
        .map(nameOf),
    );
    for (const name of ['pause', 'exec', 'run', 'delete --force', 'update', 'events'])
      assert.ok(!names.has(name), name);
    assert.ok(stepsAt(nothingYet('spec')).length > 0);
  });
});
