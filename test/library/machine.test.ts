/** The machine by itself, with what the library exports for it and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor, waitFor } from 'xstate';
import { containerMachine, type LifecycleEvent, newRecord, openRuntime, pretendEffects } from '../../library/index.ts';

const started = (own = {}) =>
  createActor(containerMachine, { id: 'c1', input: { record: newRecord('c1'), effects: pretendEffects(own) } }).start();

const settled = (actor: ReturnType<typeof started>) =>
  waitFor(actor, (snapshot) => snapshot.status === 'done' || snapshot.hasTag('settled'));

test('a whole life without a host', async () => {
  const actor = started();
  const life: readonly [LifecycleEvent, string][] = [
    [{ type: 'create' }, 'created'],
    [{ type: 'start' }, 'running'],
    [{ type: 'pause' }, 'paused'],
    [{ type: 'resume' }, 'running'],
    [{ type: 'kill', signal: 9, all: false }, 'running'],
    [{ type: 'observed', facts: { init: 'gone', frozen: false, started: false } }, 'stopped'],
    [{ type: 'delete', force: false }, 'deleted'],
  ];
  for (const [event, state] of life) {
    assert.ok(actor.getSnapshot().can(event), event.type);
    actor.send(event);
    const { value } = await settled(actor);
    assert.equal(typeof value === 'string' ? value : Object.keys(value)[0], state);
  }
});

test('a failure of one’s own', async () => {
  const actor = started({
    makeMounts: () => {
      throw new Error('no mounts today');
    },
  });
  const heard: unknown[] = [];
  actor.on('failed', ({ during, error }) => heard.push([during, error instanceof Error && error.message]));
  actor.send({ type: 'create' });
  assert.equal((await settled(actor)).value, 'failed');
  assert.deepEqual(heard, [['mounts', 'no mounts today']]);
});

test('what a state permits is known without effects', () => {
  const actor = createActor(containerMachine, { input: { record: newRecord('c1') } }).start();
  assert.ok(actor.getSnapshot().can({ type: 'create' }));
  assert.ok(!actor.getSnapshot().can({ type: 'start' }));
});

test('a runtime of one’s own root is opened without touching the host', () => {
  const runtime = openRuntime({ root: '/nonexistent/runchart-test' });
  runtime.close();
});
