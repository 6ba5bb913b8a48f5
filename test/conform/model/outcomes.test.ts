import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Model, nothingYet, type Profile, situationOf, statusIn } from '../../../conform/model/model.ts';
import { outcomesOf } from '../../../conform/model/outcomes.ts';
import { nameOf, type Single, type Step } from '../../../conform/model/steps.ts';

const create: Single = { ask: 'create', bundle: 'plain' };
const start: Single = { ask: 'start' };
const kill: Single = { ask: 'kill', signal: 'KILL' };
const remove: Single = { ask: 'delete' };

function after(profile: Profile, ...steps: readonly Step[]): Model {
  return steps.reduce((model, step) => outcomesOf(model, step)[0]?.model ?? model, nothingYet(profile));
}

/** What each outcome is: whether the commands succeed, and the status then. */
const shown = (model: Model, step: Step): readonly string[] => [
  ...new Set(
    outcomesOf(model, step).map(({ succeeds, model: next }) =>
      [...succeeds.map((success) => (success ? 'done' : 'refused')), statusIn(next) ?? 'absent'].join(' '),
    ),
  ),
];

describe('the model', () => {
  const lives: readonly (readonly [Profile, readonly Step[], Step, readonly string[]])[] = [
    ['spec', [], create, ['done created']],
    ['spec', [], start, ['refused absent']],
    ['spec', [], { ask: 'create-misnamed', bundle: 'plain' }, ['refused absent']],
    ['spec', [create], create, ['refused created']],
    ['spec', [create], remove, ['refused created']],
    ['runc', [create], remove, ['done absent']],
    ['spec', [create], start, ['done running']],
    ['spec', [create], kill, ['done stopped']],
    ['spec', [create, start], start, ['refused running']],
    ['spec', [create, start], { ask: 'kill', signal: 'CONT' }, ['done running']],
    ['spec', [create, start], remove, ['refused running']],
    ['spec', [create, start], { happens: 'exits' }, ['done stopped']],
    ['spec', [create, start, kill], kill, ['refused stopped']],
    ['spec', [create, start, kill], remove, ['done absent']],
    ['runc', [], { ask: 'delete', force: true }, ['done absent']],
    ['runc', [], { ask: 'run', bundle: 'plain' }, ['done running']],
    ['runc', [create], { ask: 'pause' }, ['done paused']],
    ['runc', [create, { ask: 'pause' }], { ask: 'resume' }, ['done created']],
    ['runc', [create, start, { ask: 'pause' }], { ask: 'resume' }, ['done running']],
    ['runc', [create, start, { ask: 'pause' }], { ask: 'exec' }, ['refused paused']],
    ['runc', [create, start, { ask: 'pause' }], kill, ['done stopped']],
    ['runc', [create, start], { ask: 'update-badly' }, ['refused running']],
    ['runc', [create, start], { happens: 'frozen' }, ['done paused']],
    ['runc', [create, start, { happens: 'frozen' }], { happens: 'thawed' }, ['done running']],
    ['spec', [], { ask: 'create', bundle: 'bad-mount' }, ['refused absent']],
    ['spec', [], { ask: 'create', bundle: 'bad-createContainer' }, ['refused absent']],
    ['spec', [], { ask: 'create', bundle: 'no-program' }, ['refused absent', 'done created']],
    ['spec', [{ ask: 'create', bundle: 'bad-poststart' }], start, ['refused absent']],
    ['runc', [{ ask: 'create', bundle: 'bad-poststart' }], start, ['refused stopped']],
    ['spec', [{ ask: 'create', bundle: 'bad-poststop' }, kill], remove, ['done absent']],
  ];
  for (const [profile, steps, step, expected] of lives) {
    const model = after(profile, ...steps);
    it(`${profile}: ${nameOf(step)} of ${situationOf(model)}, after ${steps.map(nameOf).join(', ') || 'nothing'}`, () =>
      assert.deepEqual(shown(model, step), expected));
  }

  it('says which hooks a step runs', () => {
    const hooks: Single = { ask: 'create', bundle: 'hooks' };
    assert.deepEqual(after('spec', hooks).hooks, ['prestart', 'createRuntime', 'createContainer']);
    assert.deepEqual(after('spec', hooks, start).hooks.slice(3), ['startContainer', 'poststart']);
    assert.deepEqual(after('spec', hooks, start, kill, remove).hooks.slice(5), ['poststop']);
    assert.deepEqual(after('spec', { ask: 'create', bundle: 'bad-prestart' }).hooks, ['prestart', 'poststop']);
    assert.deepEqual(after('spec', { ask: 'create', bundle: 'hooks-inside' }, start).hooks, [
      'createContainer',
      'startContainer',
    ]);
  });
});

describe('two commands at once', () => {
  const at = (profile: Profile, steps: readonly Step[], atOnce: readonly [Single, Single]) =>
    shown(after(profile, ...steps), { atOnce }).toSorted();

  it('come one after the other', () => {
    assert.deepEqual(at('runc', [], [create, create]), ['done refused created', 'refused done created']);
    assert.deepEqual(at('runc', [create, start, kill], [remove, remove]), [
      'done refused absent',
      'refused done absent',
    ]);
  });

  it('find a process that was killed, as it lives on for a moment', () => {
    assert.ok(at('runc', [create, start], [kill, kill]).includes('done done stopped'));
    assert.ok(at('runc', [create, start], [kill, { ask: 'pause' }]).includes('done done paused'));
  });

  it('may be refused where the other is at work, but never both', () => {
    const allowed = at('runc', [create], [start, kill]);
    assert.deepEqual(allowed, ['done done stopped', 'done refused running', 'refused done stopped']);
  });
});
