/** What a watcher makes of lines. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Line } from '../../../spec/watch/lines.ts';
import type { Summary } from '../../../spec/watch/messages.ts';
import { engineOf } from '../../../watch/heard/engine.ts';
import { Hub } from '../../../watch/heard/hub.ts';
import { readLine } from '../../../watch/heard/read-line.ts';

const ROOT = '/run/runchart';
const command = (run: string, name: string, id = 'c1', at = 1): Line => ({
  type: 'command',
  at,
  run,
  format: 1,
  version: '0.1.0',
  command: name,
  id,
  pid: 7,
});
const state = (run: string, place: string, status: Summary['status'], id = 'c1', at = 2): Line => ({
  type: 'state',
  at,
  run,
  id,
  state: place,
  status,
});

function hub() {
  const made = new Hub();
  const lines: Line[] = [];
  made.listen({ lines: (more) => lines.push(...more), containers: () => undefined });
  const container = (id = 'c1') => made.containers.find((one) => one.id === id);
  return { hub: made, lines, container };
}

describe('the hub', () => {
  test('follows a container by its commands', () => {
    const { hub: made, lines, container } = hub();
    const record = { init: { pid: 99, startTime: '1' }, bundle: '/b', owner: 0, annotations: { 'io.podman.x': null } };
    made.take([command('a', 'create'), state('a', 'creating.mounts', 'creating')], ROOT);
    assert.deepEqual([container()?.status, container()?.place], ['creating', 'creating.mounts']);
    made.take(
      [{ type: 'record', at: 3, run: 'a', actor: 'x:0', id: 'c1', record }, state('a', 'created', 'created')],
      ROOT,
    );
    made.take([{ type: 'end', at: 4, run: 'a', status: 0 }], ROOT);
    assert.deepEqual(container(), {
      root: ROOT,
      id: 'c1',
      status: 'created',
      place: 'created',
      pid: 99,
      bundle: '/b',
      owner: 0,
      annotations: { 'io.podman.x': null },
      engine: 'podman',
      last: { run: 'a', command: 'create', at: 1, ended: 4, exit: 0 },
    });
    assert.ok(lines.every((line) => line.root === ROOT));
    assert.deepEqual(made.history.lines, lines);
  });

  test('a process of exec does not move the container', () => {
    const { hub: made, container } = hub();
    made.take([command('a', 'start'), state('a', 'running', 'running')], ROOT);
    made.take([command('b', 'exec'), state('b', 'joining', null, 'exec in c1')], ROOT);
    assert.equal(container()?.place, 'running');
    assert.equal(container('exec in c1'), undefined);
  });

  test('keeps the failure of the machine; where it has none, the error of the command', () => {
    const { hub: made, container } = hub();
    const failure = { type: 'failure', at: 3, run: 'a', id: 'c1', during: 'mounts', message: 'no' } as const;
    made.take(
      [command('a', 'create'), failure, { type: 'end', at: 4, run: 'a', status: 1, error: 'failed: no' }],
      ROOT,
    );
    assert.deepEqual(container()?.failure, { at: 3, run: 'a', during: 'mounts', message: 'no' });
    made.take([command('b', 'start'), { type: 'end', at: 6, run: 'b', status: 1, error: 'cannot' }], ROOT);
    assert.deepEqual(container()?.failure, { at: 6, run: 'b', during: 'start', message: 'cannot' });
    assert.equal(container()?.last?.error, 'cannot');
  });

  test('a command that is gone without an end has one', () => {
    const { hub: made, lines, container } = hub();
    made.take([command('a', 'run')], ROOT);
    made.over(ROOT, 'a', 9);
    made.over(ROOT, 'a', 10);
    assert.deepEqual(lines.at(-1), { type: 'end', at: 9, run: 'a', root: ROOT });
    assert.deepEqual(container()?.last, { run: 'a', command: 'run', at: 1, ended: 9 });
  });

  test('sees what no command tells, but leaves a container alone that a command works on', () => {
    const { hub: made, lines, container } = hub();
    made.take([command('a', 'start'), state('a', 'running', 'running')], ROOT);
    made.look(ROOT, new Map([['c1', { status: 'stopped' as const }]]), 5);
    assert.equal(container()?.status, 'running', 'the command will tell');
    made.take([{ type: 'end', at: 6, run: 'a', status: 0 }], ROOT);
    made.look(ROOT, new Map([['c1', { status: 'stopped' as const }]]), 7);
    assert.equal(container()?.status, 'stopped');
    assert.deepEqual(lines.at(-1), {
      type: 'state',
      at: 7,
      run: '',
      root: ROOT,
      id: 'c1',
      state: 'stopped',
      status: 'stopped',
    });
    made.look('/another', new Map(), 8);
    assert.equal(container()?.status, 'stopped');
    made.look(ROOT, new Map(), 8);
    assert.deepEqual([container()?.status, container()?.place], [null, 'deleted']);
    const told = lines.length;
    made.look(ROOT, new Map(), 9);
    assert.equal(lines.length, told, 'nothing new');
  });

  test('knows the root of a trace by its command', () => {
    const { hub: made, container } = hub();
    made.take([{ ...command('a', 'run'), root: '/r' }, state('a', 'created', 'created')]);
    assert.equal(container()?.root, '/r');
  });

  test('forgets what is old', () => {
    const { hub: made } = hub();
    for (let i = 0; i < 300; i++)
      made.take([command(`r${i}`, 'run', `c${i}`), state(`r${i}`, 'deleted', null, `c${i}`)], ROOT);
    assert.ok(made.containers.length <= 201, String(made.containers.length));
    assert.ok(made.containers.some(({ id }) => id === 'c299'));
    for (let i = 0; i < 30_000; i++) made.take([{ type: 'warning', at: i, run: 'r1', message: 'x' }], ROOT);
    assert.equal(made.history.lines.length, 10_000);
    assert.equal(made.history.lines.at(-1)?.at, 29_999);
  });
});

describe('a line', () => {
  test('is read, or is none; nothing throws', () => {
    assert.deepEqual(readLine('{"type":"warning","at":1,"run":"a","message":"x"}')?.type, 'warning');
    for (const text of [
      '',
      '7',
      'null',
      '[]',
      '{"type":"warning","at":1,"run":"a"}',
      '{"type":"warning","at":"1","run":"a","message":"x"}',
      '{"type":"toString","at":1,"run":"a"}',
      '{"type":"state","at":1,"run":"a","id":"c","state":"s","status":"other"}',
      '{"type":"state","at":1,"run":"a","id":"c","state":"s"}',
      '{"type":"event","at":1,"run":"a","actor":"x","event":{}}',
      '{"type":"end","at":1e20,"run":"a"}',
      `{"type":"warning","at":1,"run":"a","message":"${'x'.repeat(300_000)}"}`,
    ])
      assert.equal(readLine(text), undefined, text.slice(0, 80));
    const types = fc.constantFrom('command', 'state', 'call', 'record', 'end', 'actor', 'snapshot', 'event', 'lost');
    const line = fc.dictionary(
      fc.constantFrom('id', 'state', 'status', 'record', 'actor', 'event', 'error', 'pid'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(types, line)), (all) => {
        const { hub: made } = hub();
        const read = all.flatMap(
          ([type, members]) => readLine(JSON.stringify({ ...members, type, at: 1, run: 'r' })) ?? [],
        );
        made.take([command('r', 'run'), ...read], ROOT);
        assert.equal(made.history.lines.length, read.length + 1);
      }),
    );
  });
});

test('an engine is known by the names of its annotations', () => {
  assert.equal(engineOf({ 'io.kubernetes.cri-o.TTY': null, 'io.podman.annotations.autoremove': null }), 'podman');
  assert.equal(engineOf({ 'io.kubernetes.cri-o.SandboxID': null, 'io.container.manager': null }), 'cri-o');
  assert.equal(engineOf({ 'io.kubernetes.cri.sandbox-id': null }), 'containerd');
  assert.equal(engineOf({ mine: null }), undefined);
});
