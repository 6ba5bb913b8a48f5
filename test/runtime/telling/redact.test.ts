/** What is told of a record holds no values of annotations and environment variables. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toldEvent } from '../../../runtime/telling/events.ts';
import { toldRecord } from '../../../runtime/telling/record.ts';
import { withoutValues } from '../../../runtime/telling/redact.ts';

const SECRET = 'SECRET-VALUE';

test('the names stay, the values go', () => {
  const config = {
    annotations: { a: SECRET },
    process: { args: ['sh'], env: [`PASSWORD=${SECRET}`, `EMPTY=`, 'BARE'] },
    hooks: { poststart: [{ path: '/h', env: [`TOKEN=${SECRET}=${SECRET}`] }, { path: '/i' }] },
    linux: { resources: {} },
  };
  assert.deepEqual(withoutValues({ id: 'c1', annotations: { a: SECRET }, config }), {
    id: 'c1',
    annotations: { a: null },
    config: {
      annotations: { a: null },
      process: { args: ['sh'], env: ['PASSWORD', 'EMPTY', 'BARE'] },
      hooks: { poststart: [{ path: '/h', env: ['TOKEN'] }, { path: '/i' }] },
      linux: { resources: {} },
    },
  });
});

test('nothing of a value comes out, whatever stands in its place', () => {
  const value = fc.constantFrom<unknown>(SECRET, [SECRET], { x: SECRET }, 7, null, [`A=${SECRET}`], [[`A=${SECRET}`]]);
  const env = fc
    .array(fc.tuple(fc.string({ unit: fc.constantFrom('A', 'B') }), value))
    .map((all) => all.map(([name, one]) => `${name}=${String(one)}`));
  const annotations = fc.dictionary(fc.string(), value);
  fc.assert(
    fc.property(env, annotations, value, (variables, notes, odd) => {
      const config = { annotations: notes, process: { env: variables }, hooks: { poststop: [{ env: variables }] } };
      const told = withoutValues({ annotations: notes, config });
      const oddly = withoutValues({
        annotations: odd,
        config: { annotations: odd, process: { env: odd === 7 ? 7 : [] } },
      });
      assert.ok(!JSON.stringify([told, oddly]).includes(SECRET));
    }),
  );
});

test('an event tells what was asked, and never a config or an environment', () => {
  const secret = { env: [`A=${SECRET}`] };
  assert.deepEqual(toldEvent({ type: 'kill', signal: 9, all: true, secret }), { type: 'kill', signal: 9, all: true });
  assert.deepEqual(toldEvent({ type: 'update', config: secret }), { type: 'update' });
  assert.deepEqual(toldEvent({ type: 'xstate.init', input: { record: secret } }), { type: 'xstate.init' });
  assert.deepEqual(toldEvent({ type: 'xstate.done.actor.update', output: secret }), {
    type: 'xstate.done.actor.update',
  });
  const done = { type: 'xstate.done.actor.enterNamespaces', output: { pid: 7 } };
  assert.deepEqual(toldEvent({ ...done, actorId: 'x' }), done);
  const failed = { type: 'xstate.error.actor.makeMounts', error: new Error('mount: EPERM') };
  assert.deepEqual(toldEvent(failed), { ...failed, error: 'mount: EPERM' });
});

test('a record is told once, and then what has changed', () => {
  const config = { process: { env: [`A=${SECRET}`] } };
  const made = { id: 'c1', reached: 'creating', begun: [], config, effects: { run: () => 1 } };
  const tell = toldRecord(false);
  assert.deepEqual(tell('x:0', made), {
    type: 'record',
    actor: 'x:0',
    id: 'c1',
    record: { id: 'c1', reached: 'creating', begun: [], config: { process: { env: ['A'] } } },
  });
  assert.deepEqual(tell('x:0', { ...made, reached: 'created' }).record, { reached: 'created' });
  const updated = { process: { env: [] } };
  assert.deepEqual(tell('x:0', { ...made, reached: 'created', config: updated }).record, { config: updated });
  // Its config is in its state.json.
  assert.deepEqual(tell('x:5', { id: 'c2', reached: 'running', config }).record, { id: 'c2', reached: 'running' });
  assert.deepEqual(toldRecord(true)('x:0', made).record.config, config);
});

test('a config that would take long to tell is left out', () => {
  const made = { id: 'c1', reached: 'creating', begun: [] };
  const tellOf = (config: object) => toldRecord(true)('x:0', { ...made, config }).record.config;
  const mount = { destination: '/a', source: '/b', type: 'bind', options: ['rbind', 'ro'] };
  const few = { mounts: Array.from({ length: 100 }, () => mount) };
  assert.deepEqual(tellOf(few), few);
  assert.equal(tellOf({ mounts: Array.from({ length: 20_000 }, () => mount) }), null);
  assert.equal(tellOf({ annotations: { a: 'x'.repeat(100_000) } }), null);
});
