/** What a program hears of the states of a container's machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ContainerEvent, eventOf, isRepeated } from '../../library/events.ts';
import { Hub } from '../../library/hub.ts';

const change = (value: unknown) => ({ id: 'c1', status: undefined, value, pid: 7 });

test('states before and between settled states that say nothing of their own', () => {
  for (const value of ['absent', 'observing', { creating: 'unfinished' }])
    assert.equal(eventOf(change(value)), undefined, JSON.stringify(value));
  for (const [value, type] of [
    [{ running: 'killing' }, 'running'],
    [{ paused: 'updating' }, 'paused'],
    [{ paused: 'resuming' }, 'resuming'],
    [{ created: 'pausing' }, 'pausing'],
    ['checkpointing', 'checkpointing'],
    [{ stopped: 'idle' }, 'stopped'],
  ] as const)
    assert.equal(eventOf(change(value))?.type, type);
  assert.deepEqual(eventOf(change({ creating: 'mounts' })), { type: 'creating', id: 'c1', phase: 'mounts' });
});

test('the same state again is no news, another phase is', () => {
  const mounts = { type: 'creating', id: 'c1', phase: 'mounts' } as const;
  assert.ok(isRepeated(mounts, mounts));
  assert.ok(!isRepeated(mounts, { ...mounts, phase: 'rootfs' }));
  assert.ok(!isRepeated(undefined, mounts));
});

test('a state that comes after the end is not told, and the end comes before the deletion', async () => {
  const heard: ContainerEvent[] = [];
  const hub = new Hub();
  const end = hub.subscribe((event) => heard.push(event));
  const { promise, resolve } = Promise.withResolvers<{ status: number }>();
  hub.follow('c1', promise);
  hub.changed(change({ running: 'idle' }));
  hub.changed(change({ stopped: 'idle' }));
  hub.changed(change({ deleting: 'cgroup' }));
  hub.changed(change('deleted'));
  resolve({ status: 3 });
  await new Promise((done) => setImmediate(done));
  hub.changed(change({ creating: 'cgroup' }));
  end();
  hub.changed(change({ creating: 'namespaces' }));
  assert.deepEqual(heard, [
    { type: 'running', id: 'c1', pid: 7 },
    { type: 'deleting', id: 'c1', phase: 'cgroup' },
    { type: 'stopped', id: 'c1', exit: { status: 3 } },
    { type: 'deleted', id: 'c1' },
    { type: 'creating', id: 'c1', phase: 'cgroup' },
  ]);
});

test('a request that was under way when the process ended does not bring it back to life', async () => {
  const heard: string[] = [];
  const hub = new Hub();
  hub.subscribe(({ type }) => heard.push(type));
  hub.follow('c1', Promise.resolve({ status: 0 }));
  hub.changed(change({ running: 'killing' }));
  await new Promise((done) => setImmediate(done));
  hub.changed(change({ running: 'idle' }));
  hub.changed(change({ stopped: 'idle' }));
  assert.deepEqual(heard, ['running', 'stopped']);
});
